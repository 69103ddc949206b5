"""`python -m benchmarks.experiments`: write what the current release says of all experiments."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.circumstances import circumstances
from benchmarks.markdown import table
from embeddings.release.reader import Release, current_release, open_release
from embeddings.release.reports import Comparison, ExperimentReport
from embeddings.settings import PathSettings

PAGE = Path("docs/experiments.md")

_HEADER = (
    "experiment", "accuracy", "seeds", "lowest–highest", "95 % interval", "against the first",
    "p (Holm)", "tuning", "macro F1", "P@3", "P@3 pooled", "weights", "ms", "images/s",
    "training s",
)  # fmt: skip


def main() -> None:
    """Write `docs/experiments.md` from the current release of BELVEDERE_HOME."""
    release = open_release(current_release(PathSettings().releases))
    PAGE.write_text(page(release), encoding="utf-8")


def page(release: Release) -> str:
    """The page on one release, as Markdown."""
    comparison = release.comparison
    done = [each for each in comparison.experiments if each.status == "done"]
    return "\n".join(
        [
            "# Experiments",
            "",
            "Written by `make experiments` from the current release; no figure here is typed by "
            "hand.",
            "",
            *circumstances(release),
            f"- Preset `{comparison.preset}`: {comparison.train} photographs to learn from "
            f"({comparison.tuning} of them for tuning), {comparison.validation} to validate on.",
            f"- Published by tuning accuracy: `{comparison.best}`. Release "
            f"`{release.manifest.fingerprint}`.",
            f"- Training took {_minutes(comparison):.0f} minutes in all, seeds and both splits "
            "included.",
            "",
            "Accuracies are means over the seeds, on the validation set; intervals are drawn by "
            "photographer. P@3 is the share of the three nearest training photographs that show "
            "the class of a validation photograph. Milliseconds are those of one photograph on "
            "the exported encoder.",
            "",
            *table(_HEADER, [_line(each) for each in comparison.experiments]),
            "",
            "## Under a random split",
            "",
            *_random(comparison.random_split, {each.name: each for each in done}),
            "",
            "## How far to trust the published network",
            "",
            *_uncertainty(release),
            "",
        ]
    )


def _minutes(comparison: Comparison) -> float:
    seeds = {each.name: each.evidence.seeds for each in comparison.experiments if each.evidence}
    grouped = sum((e.train_seconds or 0) * seeds.get(e.name, 0) for e in comparison.experiments)
    return (grouped + sum(each.train_seconds or 0 for each in comparison.random_split)) / 60


def _line(each: ExperimentReport) -> list[str]:
    evidence = each.evidence
    if each.status == "skipped" or evidence is None:
        return [each.name, f"skipped: {each.reason}", *[""] * (len(_HEADER) - 2)]
    adjusted = evidence.p_adjusted
    return [
        each.name,
        _percent(each.accuracy),
        str(evidence.seeds),
        f"{evidence.lowest:.1%}–{evidence.highest:.1%}" if evidence.seeds > 1 else "",
        f"{evidence.interval[0]:.1%}–{evidence.interval[1]:.1%}",
        evidence.verdict or "",
        "" if adjusted is None else "< 0.001" if adjusted < 0.001 else f"{adjusted:.3f}",
        _percent(each.tuning_accuracy),
        f"{each.macro_f1:.3f}",
        f"{each.precision_at_3:.3f}",
        f"{each.pooled_precision_at_3:.3f}",
        f"{each.parameters:,}",
        f"{each.cost.latency_ms:.1f}" if each.cost else "",
        f"{each.cost.images_per_second:.0f}" if each.cost else "",
        f"{each.train_seconds:.0f}",
    ]


def _random(reports: Sequence[ExperimentReport], grouped: dict[str, ExperimentReport]) -> list[str]:
    if not reports:
        return ["No experiment was trained under it."]
    rows = [
        [each.name, _percent(grouped[each.name].accuracy), _percent(each.accuracy)]
        for each in reports
        if each.name in grouped and each.status == "done"
    ]
    return table(("experiment", "grouped by photographer", "random"), rows)


def _uncertainty(release: Release) -> list[str]:
    calibration, sets = release.uncertainty.calibration, release.uncertainty.sets
    rows = [[each.label, f"{each.coverage:.1%}", str(each.support)] for each in sets.per_class]
    return [
        f"- Temperature {calibration.temperature:.2f}; expected calibration error "
        f"{calibration.before.error:.3f} before, {calibration.after.error:.3f} after.",
        f"- Sets at {sets.level:.0%}: coverage {sets.coverage:.1%}, mean size "
        f"{sets.mean_size:.2f}, empty {sets.empty:.1%}, threshold {sets.threshold:.3f}.",
        f"- {len(release.errors)} misclassified validation photographs; "
        f"{len(release.label_issues)} likely label errors among all photographs.",
        "",
        *table(("class", "coverage", "validation photographs"), rows),
    ]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


if __name__ == "__main__":
    main()
