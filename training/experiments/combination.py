"""Combining techniques: which of them helped, alone and beside each other."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace

from training.experiments.config import DESCRIPTION, Combination, OwnNetwork, needed


@dataclass(frozen=True)
class Score:
    """What a network says of the tuning part."""

    accuracy: float
    loss: float
    """Mean cross-entropy."""


Tuning = Callable[[OwnNetwork], Sequence[Score]]
"""Scores of an experiment, one per repeat; none where it is not finished."""

_FEWEST_ABLATED = 3


@dataclass(frozen=True)
class _Kept:
    """Techniques that were kept, and the experiments that it took to find out."""

    techniques: tuple[OwnNetwork, ...]
    steps: tuple[OwnNetwork, ...] = ()
    known: bool = True
    """Whether every step is finished."""


def combined(combination: Combination, tuning: Tuning) -> tuple[OwnNetwork, ...]:
    """The experiments that a combination comes to, as far as they can be named by now.

    The steps that its techniques were chosen by, then the combination itself and its ablations;
    none where nothing helped.
    """
    own = (each for each in needed(combination) if isinstance(each, OwnNetwork))
    if not all(tuning(each) for each in own):
        return ()
    techniques = helpful(combination, tuning)
    kept = _stepwise(combination, techniques, tuning) if combination.stepwise else _Kept(techniques)
    if not kept.known or not kept.techniques:
        return kept.steps
    design = max(combination.designs, key=lambda each: max(s.accuracy for s in tuning(each)))
    whole = replace(
        _together(design, kept.techniques),
        name=combination.name,
        base=combination.base,
        change=f"{combination.change}: {_listed(kept.techniques)} on {design.name}",
        length=combination.length,
    )
    ablations = _ablations(whole, design, kept.techniques) if combination.ablation else ()
    return (*kept.steps, whole, *ablations)


def helpful(combination: Combination, tuning: Tuning) -> tuple[OwnNetwork, ...]:
    """The techniques of a combination that helped, of each kind the best, the best first."""

    def lowest(experiment: OwnNetwork) -> float:
        return min(score.loss for score in tuning(experiment))

    best_of_kinds = (min(kind, key=lowest) for kind in combination.kinds)
    to_beat = lowest(combination.compared_with)
    chosen = [technique for technique in best_of_kinds if lowest(technique) < to_beat]
    return tuple(sorted(chosen, key=lowest))


def _stepwise(combination: Combination, techniques: Sequence[OwnNetwork], tuning: Tuning) -> _Kept:
    """Add one technique after the other and keep it where the tuning loss falls."""
    kept = tuple(techniques[:1])
    best, base = (min(s.loss for s in tuning(kept[0])), kept[0].name) if kept else (0.0, "")
    steps: list[OwnNetwork] = []
    for technique in techniques[1:]:
        step = replace(
            _together(combination.compared_with, (*kept, technique)),
            name="+".join(each.name for each in (*kept, technique)),
            base=base,
            change=f"{_listed(kept)} and {technique.name} together",
        )
        steps.append(step)
        reached = tuning(step)
        if not reached:
            return _Kept(kept, tuple(steps), known=False)
        loss = min(score.loss for score in reached)
        if loss < best:
            kept, best, base = (*kept, technique), loss, step.name
    return _Kept(kept, tuple(steps))


def _ablations(
    whole: OwnNetwork, design: OwnNetwork, techniques: Sequence[OwnNetwork]
) -> Iterator[OwnNetwork]:
    """The combination without each of its techniques; of two, those are the techniques alone."""
    if len(techniques) < _FEWEST_ABLATED:
        return
    for left_out in techniques:
        rest = [technique for technique in techniques if technique is not left_out]
        yield replace(
            _together(design, rest),
            name=f"{whole.name}-without-{left_out.name}",
            base=whole.name,
            change=f"The combination without {left_out.name}",
            length=whole.length,
        )


def _together(design: OwnNetwork, techniques: Sequence[OwnNetwork]) -> OwnNetwork:
    """Put the one change of each technique on a design; changes that are lists are joined."""
    plain = OwnNetwork(name="", change="")
    changes: dict[str, object] = {"family": "combination"}
    for technique in techniques:
        for field in fields(technique):
            value = getattr(technique, field.name)
            if field.name in DESCRIPTION or value == getattr(plain, field.name):
                continue
            before = changes.get(field.name, getattr(design, field.name))
            joined = isinstance(value, tuple) and field.name != "input"
            changes[field.name] = (*before, *value) if joined else value  # type: ignore[misc]
    return replace(design, **changes)  # type: ignore[arg-type]


def _listed(techniques: Sequence[OwnNetwork]) -> str:
    return ", ".join(technique.name for technique in techniques)
