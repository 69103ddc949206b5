"""Reasons to look at a label: numbers about single images, and their strengths."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from embeddings.arrays import Doubles, Labels
from embeddings.review.evidence import NO_CLASS, Evidence

ReasonKind = Literal["label_error", "disagreement", "neighbors", "uncertain", "untypical"]

UNTYPICAL = 0.05
"""Largest typicality of an untypical image."""

WEIGHTS: Mapping[ReasonKind, float] = {
    "label_error": 1.0,
    "disagreement": 1.0,
    "neighbors": 1.0,
    "uncertain": 0.25,
    "untypical": 0.25,
}
"""Weight of the strength of each reason in a score. Uncertainty and typicality are facts about the
image, which concern its label less than the others."""


@dataclass(frozen=True)
class Reason:
    """Number that speaks for a look at an image."""

    kind: ReasonKind
    value: float
    text: str
    """Sentence with the numbers."""


@dataclass(frozen=True)
class Reasons:
    """Reasons to look at each of n labelled images; images without a label have none."""

    evidence: Evidence

    @cached_property
    def strengths(self) -> dict[ReasonKind, Doubles]:
        """Strength of each reason, 0-1, for each image, shape (n,); 0 without that reason."""
        found: dict[ReasonKind, Doubles] = {
            "label_error": self._label_error,
            "disagreement": self._disagreement,
            "neighbors": self._neighbors,
            "uncertain": self._uncertain,
            "untypical": self._untypical,
        }
        labelled = self.evidence.labelled
        return {kind: np.where(labelled, strength, 0.0) for kind, strength in found.items()}

    @cached_property
    def scores(self) -> Doubles:
        """Shape (n,): weighted sum of the strengths; 0 without a reason."""
        scores = np.zeros(len(self.evidence))
        for kind, strength in self.strengths.items():
            scores += WEIGHTS[kind] * strength
        return scores

    def of(self, row: int) -> tuple[Reason, ...]:
        """Return the reasons to look at an image, the strongest contribution first."""
        parts = {
            kind: WEIGHTS[kind] * float(strength[row]) for kind, strength in self.strengths.items()
        }
        order = sorted(filter(parts.__getitem__, parts), key=lambda kind: -parts[kind])
        return tuple(self._reason(kind, row) for kind in order)

    def suggested(self, row: int) -> int:
        """Return the class other than the label with the most support; `NO_CLASS` without any."""
        votes: dict[int, float] = {}
        for number, strength in self._votes(row):
            votes[number] = votes.get(number, 0.0) + strength
        votes.pop(int(self.evidence.labels[row]), None)
        # The smaller number of equally supported classes.
        return min(votes, key=lambda number: (-votes[number], number), default=NO_CLASS)

    def _votes(self, row: int) -> Iterator[tuple[int, float]]:
        evidence = self.evidence
        if self.strengths["label_error"][row]:
            yield self._suggestions[row], float(self.strengths["label_error"][row])
        yield int(evidence.predicted[row]), float(self.strengths["disagreement"][row])
        if self.strengths["neighbors"][row]:
            for number in evidence.neighbor_labels[row].tolist():
                if number != NO_CLASS:
                    yield number, 1 / int(evidence.labelled_neighbors[row])

    @cached_property
    def _label_error(self) -> Doubles:
        known = self.evidence.suspicions
        strength = np.zeros(len(self.evidence))
        strength[known.rows] = known.suggested_probabilities - known.label_probabilities
        return strength.clip(0, 1)

    @cached_property
    def _suggestions(self) -> dict[int, int]:
        known = self.evidence.suspicions
        return dict(zip(known.rows.tolist(), known.suggested.tolist(), strict=True))

    @cached_property
    def _disagreement(self) -> Doubles:
        evidence = self.evidence
        margins = evidence.confidences - evidence.label_probabilities
        return np.where(evidence.predicted != evidence.labels, margins, 0.0)

    @cached_property
    def _neighbors(self) -> Doubles:
        evidence = self.evidence
        shares = evidence.other_neighbors / np.maximum(1, evidence.labelled_neighbors)
        return np.where(shares > 1 / 2, shares, 0.0)

    @cached_property
    def _uncertain(self) -> Doubles:
        evidence = self.evidence
        return np.where(evidence.set_sizes != 1, 1 - evidence.confidences, 0.0)

    @cached_property
    def _untypical(self) -> Doubles:
        return (1 - self.evidence.typicalities / UNTYPICAL).clip(0, 1)

    def _reason(self, kind: ReasonKind, row: int) -> Reason:
        value, text = {
            "label_error": self._about_label_error,
            "disagreement": self._about_disagreement,
            "neighbors": self._about_neighbors,
            "uncertain": self._about_uncertain,
            "untypical": self._about_untypical,
        }[kind](row)
        return Reason(kind, value, text)

    def _about_label_error(self, row: int) -> tuple[float, str]:
        known = self.evidence.suspicions
        at = int(np.flatnonzero(known.rows == row)[0])
        label, other = known.label_probabilities[at], known.suggested_probabilities[at]
        suggested = self.evidence.classes[known.suggested[at]]
        return float(label), (
            f"A model that did not learn from this image gives {self._label(row)} a probability of "
            f"{label:.2f}, and {suggested} {other:.2f}."
        )

    def _about_disagreement(self, row: int) -> tuple[float, str]:
        evidence = self.evidence
        predicted, label = evidence.confidences[row], evidence.label_probabilities[row]
        return float(label), (
            f"The served model predicts {evidence.classes[evidence.predicted[row]]} with a "
            f"probability of {predicted:.2f}; {self._label(row)} has {label:.2f}."
        )

    def _about_neighbors(self, row: int) -> tuple[float, str]:
        evidence = self.evidence
        other, all_ = int(evidence.other_neighbors[row]), int(evidence.labelled_neighbors[row])
        return other / all_, f"{other} of the {all_} nearest images have another label."

    def _about_uncertain(self, row: int) -> tuple[float, str]:
        evidence = self.evidence
        size = int(evidence.set_sizes[row])
        if size:
            return float(size), f"The prediction set has {size} classes."
        return 0.0, (
            "The prediction set is empty: the most probable class has a probability of "
            f"{evidence.confidences[row]:.2f}."
        )

    def _about_untypical(self, row: int) -> tuple[float, str]:
        value = float(self.evidence.typicalities[row])
        return value, (
            f"{1 - value:.0%} of the validation images are nearer to the training images."
        )

    def _label(self, row: int) -> str:
        return self.evidence.classes[int(self.evidence.labels[row])]


def best_first(scores: Doubles, rows: Labels) -> Labels:
    """Return rows in descending order of their scores; equal ones stay in their order."""
    return np.asarray(rows[np.argsort(-scores[rows], kind="stable")], np.int64)
