"""Selection of helpful techniques, and the experiments that combine them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace

from training.experiments.config import DESCRIPTION_FIELDS, Combination, FromScratch, prerequisites


@dataclass(frozen=True)
class Score:
    """Result of a trial on the tuning images."""

    accuracy: float
    loss: float
    """Mean cross-entropy."""


TuningScores = Callable[[FromScratch], Sequence[Score]]
"""Function that returns the scores of an experiment, one per seed; empty if unfinished."""

_FEWEST_ABLATED = 3


@dataclass(frozen=True)
class _Selection:
    """Selected techniques, and the experiments that led to the selection."""

    techniques: tuple[FromScratch, ...]
    steps: tuple[FromScratch, ...] = ()
    finished: bool = True
    """False if a step has no scores yet."""


def expand(combination: Combination, tuning: TuningScores) -> tuple[FromScratch, ...]:
    """Return the experiments of a combination that the scores so far determine.

    These are the steps of the selection, then the combination itself and its ablations. The last
    two are omitted if no technique is helpful.
    """
    needed = (each for each in prerequisites(combination) if isinstance(each, FromScratch))
    if not all(tuning(each) for each in needed):
        return ()
    techniques = select_techniques(combination, tuning)
    kept = (
        _stepwise(combination, techniques, tuning)
        if combination.stepwise
        else _Selection(techniques)
    )
    if not kept.finished or not kept.techniques:
        return kept.steps
    design = max(combination.designs, key=lambda each: max(s.accuracy for s in tuning(each)))
    whole = replace(
        _apply(design, kept.techniques),
        name=combination.name,
        base=combination.base,
        change=f"{combination.change}: {_names(kept.techniques)} on {design.name}",
        length=combination.length,
    )
    ablations = _ablations(whole, design, kept.techniques) if combination.ablation else ()
    return (*kept.steps, whole, *ablations)


def select_techniques(combination: Combination, tuning: TuningScores) -> tuple[FromScratch, ...]:
    """Return the helpful techniques, the best of each kind, in the order of their tuning loss."""

    def lowest(experiment: FromScratch) -> float:
        return min(score.loss for score in tuning(experiment))

    best_of_kinds = (min(kind, key=lowest) for kind in combination.kinds)
    to_beat = lowest(combination.compared_with)
    chosen = [technique for technique in best_of_kinds if lowest(technique) < to_beat]
    return tuple(sorted(chosen, key=lowest))


def _stepwise(
    combination: Combination, techniques: Sequence[FromScratch], tuning: TuningScores
) -> _Selection:
    """Add one technique after the other; keep those that lower the tuning loss."""
    kept = tuple(techniques[:1])
    best, base = (min(s.loss for s in tuning(kept[0])), kept[0].name) if kept else (0.0, "")
    steps: list[FromScratch] = []
    for technique in techniques[1:]:
        step = replace(
            _apply(combination.compared_with, (*kept, technique)),
            name="+".join(each.name for each in (*kept, technique)),
            base=base,
            change=f"{_names(kept)} and {technique.name} together",
        )
        steps.append(step)
        reached = tuning(step)
        if not reached:
            return _Selection(kept, tuple(steps), finished=False)
        loss = min(score.loss for score in reached)
        if loss < best:
            kept, best, base = (*kept, technique), loss, step.name
    return _Selection(kept, tuple(steps))


def _ablations(
    whole: FromScratch, design: FromScratch, techniques: Sequence[FromScratch]
) -> Iterator[FromScratch]:
    """Yield the combination without each technique; of two techniques, each is trained already."""
    if len(techniques) < _FEWEST_ABLATED:
        return
    for left_out in techniques:
        rest = [technique for technique in techniques if technique is not left_out]
        yield replace(
            _apply(design, rest),
            name=f"{whole.name}-without-{left_out.name}",
            base=whole.name,
            change=f"The combination without {left_out.name}",
            length=whole.length,
        )


def _apply(design: FromScratch, techniques: Sequence[FromScratch]) -> FromScratch:
    """Apply the change of each technique to a design; tuples are concatenated."""
    plain = FromScratch(name="", change="")
    changes: dict[str, object] = {"family": "combination"}
    for technique in techniques:
        for field in fields(technique):
            value = getattr(technique, field.name)
            if field.name in DESCRIPTION_FIELDS or value == getattr(plain, field.name):
                continue
            before = changes.get(field.name, getattr(design, field.name))
            joined = isinstance(value, tuple) and field.name != "input"
            changes[field.name] = (*before, *value) if joined else value  # type: ignore[misc]
    return replace(design, **changes)  # type: ignore[arg-type]


def _names(techniques: Sequence[FromScratch]) -> str:
    return ", ".join(technique.name for technique in techniques)
