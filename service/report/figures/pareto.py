"""Pareto frontier of accuracy and latency."""

from matplotlib.ticker import LogLocator, ScalarFormatter

from embeddings.release.reports import ExperimentReport
from service.report.figures.comparison import Reports
from service.report.figures.format import enumeration, percent
from service.report.figures.html import Fragment, paragraph, strong
from service.report.figures.style import ACCENT, INK, QUIET, Chart, in_style, label_percentages

_MARKS = {"transfer": "s", "distillation": "D"}


def frontier(reports: Reports) -> list[ExperimentReport]:
    """Return the models on the Pareto frontier of accuracy and latency, the fastest first."""
    kept: list[ExperimentReport] = []
    for report in sorted(_measured(reports), key=lambda each: (_latency(each), -_accuracy(each))):
        if not kept or _accuracy(report) > _accuracy(kept[-1]):
            kept.append(report)
    return kept


@in_style
def pareto_chart(reports: Reports) -> Chart:
    """Draw validation accuracy against latency in milliseconds, on a logarithmic axis."""
    chart = Chart(height=4.6, alt="Validation accuracy of each model against its latency.")
    axes = chart.subplots()
    best = frontier(reports)
    names = {report.name for report in best}
    for report in _measured(reports):
        axes.plot(
            _latency(report),
            _accuracy(report),
            _MARKS.get(report.family, "o"),
            color=ACCENT if report.name in names else QUIET,
            markersize=6,
        )
    axes.step(
        [_latency(each) for each in best],
        [_accuracy(each) for each in best],
        where="post",
        color=ACCENT,
        linewidth=1,
    )
    for number, report in enumerate(best, 1):
        # Neighbours on the frontier are close; every second number is below its point.
        is_above = number % 2 == 1
        axes.annotate(
            str(number),
            (_latency(report), _accuracy(report)),
            xytext=(-4, 5) if is_above else (4, -5),
            textcoords="offset points",
            ha="right" if is_above else "left",
            va="bottom" if is_above else "top",
            color=INK,
            fontsize=8.5,
        )
    # Names beside the points would overlap; slow and inaccurate models are rare.
    named = "\n".join(f"{number}  {report.name}" for number, report in enumerate(best, 1))
    axes.text(
        0.985, 0.03, named, transform=axes.transAxes, ha="right", va="bottom",
        multialignment="left", fontsize=8.5,
    )  # fmt: skip
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(ScalarFormatter())
    # The labels of 8 and 9 would touch that of 10.
    axes.xaxis.set_minor_locator(LogLocator(subs=(2, 3, 5, 7)))
    axes.xaxis.set_minor_formatter(ScalarFormatter())
    label_percentages(axes.yaxis)
    axes.set_xlabel("milliseconds per image, exported encoder (logarithmic)")
    axes.set_ylabel("validation accuracy")
    axes.set_title("Circles: trained from scratch, squares: pretrained, diamonds: distilled")
    return chart


def pareto_findings(reports: Reports) -> Fragment:
    """Return the findings of the Pareto frontier."""
    best = frontier(reports)
    if not best:
        return paragraph("No latency was measured.")
    if len(_measured(reports)) == 1:
        return paragraph(f"{best[0].name} is the only model measured.")
    text = [f"{each.name} ({percent(each.accuracy)} in {_latency(each):.1f} ms)" for each in best]
    return paragraph(
        strong("Findings. "),
        f"On the Pareto frontier: {enumeration(text)}. Every other model is slower "
        "or less accurate than one of these. Most techniques against overfitting change the "
        "training alone, so models trained from scratch have nearly equal latencies.",
    )


def _measured(reports: Reports) -> list[ExperimentReport]:
    return [each for each in reports.values() if each.cost is not None]


def _latency(report: ExperimentReport) -> float:
    return report.cost.latency_ms if report.cost else 0.0


def _accuracy(report: ExperimentReport) -> float:
    return report.accuracy or 0.0
