"""Effects of techniques against overfitting, each alone."""

from dataclasses import dataclass

from embeddings.release.reports import ExperimentReport
from service.report.figures.comparison import Reports, of_family
from service.report.figures.curves import gap, last
from service.report.figures.format import (
    TWICE,
    count,
    difference_error,
    percent,
    points,
    signed,
    width,
)
from service.report.figures.html import Fragment, bullets, joined, paragraph, strong, table
from service.report.figures.style import ACCENT, INK, QUIET, Chart, in_style, remove_frame


@dataclass(frozen=True)
class Effect:
    """Difference between a technique and the experiment that it changes."""

    technique: ExperimentReport
    base: ExperimentReport
    difference: float
    """Difference of the validation accuracies, in 0-1."""
    error: float
    """Standard error of that difference, an upper bound."""

    @property
    def significant(self) -> bool:
        """True if the difference is significant: McNemar's test with Holm's correction."""
        evidence = self.technique.evidence
        return evidence is not None and evidence.verdict in ("better", "worse")


def effects(reports: Reports, validation: int) -> list[Effect]:
    """Return the effect of each finished technique."""
    found = []
    for technique in of_family(reports, "technique").values():
        base = reports.get(technique.base or "")
        if base and base.accuracy is not None and technique.accuracy is not None:
            difference = technique.accuracy - base.accuracy
            error = difference_error(technique.accuracy, base.accuracy, validation)
            found.append(Effect(technique, base, difference, error))
    return found


def technique_table(baseline: ExperimentReport, reports: Reports, validation: int) -> Fragment:
    """Return a table of the baseline and each technique: accuracies, gap, difference."""
    header = (
        "experiment",
        "change",
        "training, last epoch",
        "tuning, last epoch",
        "gap, points",
        "validation",
        "difference, points",
    )
    rows = [[*_figures(baseline), "–"]]
    for effect in effects(reports, validation):
        rows.append([*_figures(effect.technique), signed(effect.difference)])
    return table(header, rows, text_columns=2)


@in_style
def effect_chart(reports: Reports, validation: int) -> Chart:
    """Draw the difference in validation accuracy of each technique, with two standard errors."""
    found = effects(reports, validation)
    chart = Chart(
        height=1.0 + 0.36 * len(found),
        alt="Difference in validation accuracy of each technique, with its uncertainty.",
    )
    axes = chart.subplots()
    axes.axvline(0, color=QUIET, linewidth=1.2)
    for row, effect in enumerate(found):
        colour = ACCENT if effect.significant else INK
        reach = 100 * TWICE * effect.error
        axes.errorbar(100 * effect.difference, row, xerr=reach, fmt="o", color=colour, elinewidth=2)
    axes.set_yticks(range(len(found)), [effect.technique.name for effect in found])
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.set_xlabel(
        "difference in validation accuracy to the baseline, percentage points ± two standard errors"
    )
    remove_frame(axes)
    return chart


def technique_findings(baseline: ExperimentReport, reports: Reports, validation: int) -> Fragment:
    """Return the findings on the techniques."""
    found = effects(reports, validation)
    if not found:
        return paragraph("This release has no finished technique.")
    known = f"The gap of {baseline.name} is {points(gap(baseline.curves))}. Each technique alone:"
    return joined(
        [
            paragraph(strong("Findings. "), known),
            bullets(_describe(effect) for effect in found),
            paragraph(_uncertainty(max(effect.error for effect in found), validation)),
        ]
    )


def _uncertainty(error: float, validation: int) -> str:
    return (
        f"With {count(validation)} validation images, the difference of two "
        f"such accuracies has a standard error of up to {width(error)} if each model is evaluated "
        "on different images. On the same images it is smaller, so significance is that of the "
        "paired test of section 5. Variation between seeds is not included."
    )


def _describe(effect: Effect) -> Fragment:
    verdict = "significant" if effect.significant else "no evidence of a difference"
    return joined(
        [
            strong(effect.technique.name),
            f": {points(effect.difference)} on the validation set, {verdict}; the gap is "
            f"{points(gap(effect.technique.curves))}.",
        ]
    )


def _figures(report: ExperimentReport) -> list[str]:
    return [
        report.name,
        report.change,
        percent(last(report.curves.accuracy)),
        percent(last(report.curves.tuning_accuracy)),
        signed(gap(report.curves)),
        percent(report.accuracy),
    ]
