"""Combining techniques: which of them helped, and the network that has them all."""

from collections.abc import Callable, Sequence
from dataclasses import fields, replace

from training.experiments import Combination, OwnNetwork

Tuning = Callable[[str], Sequence[float]]
"""Tuning accuracies of an experiment, one per repeat; none where it is not finished."""

_ABOUT = {"name", "change", "base", "family"}


def helpful(combination: Combination, tuning: Tuning) -> tuple[OwnNetwork, ...]:
    """The techniques of a combination that helped, of each kind the best."""
    to_beat = max(tuning(combination.compared_with.name), default=1.0)
    chosen = []
    for kind in combination.kinds:
        reached = [(max(tuning(each.name), default=0.0), each) for each in kind]
        best, technique = max(reached, key=lambda pair: pair[0])
        if best > to_beat:
            chosen.append(technique)
    return tuple(chosen)


def combined(combination: Combination, tuning: Tuning) -> tuple[OwnNetwork, ...]:
    """The combination as one declaration, then its ablations; none where nothing helped."""
    techniques = helpful(combination, tuning)
    if not techniques:
        return ()
    design = max(combination.designs, key=lambda each: max(tuning(each.name), default=0.0))
    whole = replace(
        _together(design, techniques),
        name=combination.name,
        base=combination.base,
        change=f"{combination.change}: {_names(design, techniques)}",
        length=combination.length,
    )
    if not combination.ablation or len(techniques) < 2:
        return (whole,)
    return (whole, *(_without(each, techniques, whole, design) for each in techniques))


def _without(
    left_out: OwnNetwork, techniques: Sequence[OwnNetwork], whole: OwnNetwork, design: OwnNetwork
) -> OwnNetwork:
    rest = [technique for technique in techniques if technique is not left_out]
    return replace(
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
            if field.name in _ABOUT or value == getattr(plain, field.name):
                continue
            before = changes.get(field.name, getattr(design, field.name))
            joined = isinstance(value, tuple) and field.name != "input"
            changes[field.name] = (*before, *value) if joined else value  # type: ignore[misc]
    return replace(design, **changes)  # type: ignore[arg-type]


def _names(design: OwnNetwork, techniques: Sequence[OwnNetwork]) -> str:
    return f"{', '.join(technique.name for technique in techniques)} on {design.name}"
