"""Statistical evidence: seeds, bootstrap intervals and paired tests."""

from collections.abc import Sequence

from embeddings.release.reports import ExperimentReport
from service.report.figures.comparison import Reports
from service.report.figures.format import enumeration, p_value, percent, plural, signed
from service.report.figures.html import Fragment, Part, paragraph, strong, table
from service.report.figures.style import (
    ACCENT,
    INK,
    QUIET,
    Chart,
    in_style,
    label_percentages,
    remove_frame,
)
from service.schemas import ExperimentList

_HEADER = (
    "experiment",
    "compared with the first",
    "seeds",
    "accuracy, mean",
    "lowest–highest",
    "95 % interval",
    "difference, points",
    "p (McNemar)",
    "p (Holm)",
)
_COLOURS = {"better": ACCENT, "worse": INK}


def evidence_table(reports: Reports) -> Fragment:
    """Return a table with a row per finished experiment: seeds, interval, test."""
    shown = list(reports.values())
    first = shown[0]
    return table(_HEADER, [_line(each, first) for each in shown], text_columns=2)


@in_style
def interval_chart(reports: Reports) -> Chart:
    """Draw the validation accuracy of each experiment with its interval and its seeds."""
    shown = list(reports.values())
    chart = Chart(
        height=1.1 + 0.26 * len(shown),
        alt="Validation accuracy of each experiment with its 95 % bootstrap interval.",
    )
    axes = chart.subplots()
    for row, report in enumerate(shown):
        evidence = report.evidence
        if evidence is None or report.accuracy is None:
            continue
        colour = _COLOURS.get(evidence.verdict or "", QUIET)
        axes.plot(evidence.interval, (row, row), color=colour, linewidth=2)
        axes.plot(report.accuracy, row, "o", color=colour, markersize=5)
        if evidence.seeds > 1:
            axes.plot((evidence.lowest, evidence.highest), (row, row), "|", color=INK, markersize=9)
    first = shown[0]
    axes.axvline(first.accuracy or 0.0, color=QUIET, linewidth=1, linestyle=":")
    axes.set_yticks(range(len(shown)), [report.name for report in shown])
    axes.set_ylim(len(shown) - 0.5, -0.5)
    label_percentages(axes.xaxis)
    axes.set_xlabel(
        f"validation accuracy, 95 % bootstrap interval by photographer; vertical marks: seeds;\n"
        f"red: better than {first.name}, dark: worse, grey: no evidence of a difference"
    )
    remove_frame(axes)
    return chart


def evidence_findings(comparison: ExperimentList, reports: Reports) -> Fragment:
    """Return the findings of the tests."""
    shown = list(reports.values())
    first, others = shown[0], shown[1:]
    if not others:
        return paragraph(
            strong("Findings. "),
            f"{first.name} is the only finished experiment, so there is no comparison.",
            _seed_range(shown),
        )
    kinds = {
        kind: [each.name for each in others if each.evidence and each.evidence.verdict == kind]
        for kind in ("better", "worse", "no evidence of a difference")
    }
    text = [
        f"With {plural(comparison.validation, 'validation image')} and "
        f"{plural(len(others), 'test')}, {_named(kinds['better'])} significantly better than "
        f"{first.name} after Holm's correction"
    ]
    if kinds["worse"]:
        text.append(f", {_named(kinds['worse'])} worse")
    text.append(
        f"; for {_listed(kinds['no evidence of a difference'])} there is no evidence of a "
        "difference."
    )
    return paragraph(strong("Findings. "), "".join(text), _seed_range(shown))


def _named(names: Sequence[str]) -> str:
    return f"{_listed(names)} {'is' if len(names) == 1 else 'are'}"


def _listed(names: Sequence[str]) -> str:
    return enumeration(names) if names else "none"


def _seed_range(shown: Sequence[ExperimentReport]) -> str:
    repeated = [
        each.evidence.highest - each.evidence.lowest
        for each in shown
        if each.evidence and each.evidence.seeds > 1
    ]
    if not repeated:
        return ""
    return (
        f" In repeated experiments, accuracies of seeds differ by up to {100 * max(repeated):.1f} "
        "points: a single run cannot show a smaller effect."
    )


def _line(report: ExperimentReport, first: ExperimentReport) -> list[Part]:
    evidence = report.evidence
    if evidence is None:
        return [report.name, *["–"] * (len(_HEADER) - 1)]
    tested = evidence.verdict is not None
    spread = evidence.seeds > 1
    verdict = evidence.verdict or "–"
    return [
        report.name,
        strong(verdict) if verdict == "better" else verdict,
        str(evidence.seeds),
        percent(report.accuracy),
        f"{percent(evidence.lowest)}–{percent(evidence.highest)}" if spread else "–",
        f"{percent(evidence.interval[0])}–{percent(evidence.interval[1])}",
        signed((report.accuracy or 0.0) - (first.accuracy or 0.0)) if tested else "–",
        p_value(evidence.p_value),
        p_value(evidence.p_adjusted),
    ]
