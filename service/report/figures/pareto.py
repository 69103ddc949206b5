"""What accuracy costs: latency beside accuracy, and which networks nothing else beats on both."""

from matplotlib.ticker import PercentFormatter, ScalarFormatter

from embeddings.release.reports import ExperimentReport
from service.report.figures.comparison import Reports
from service.report.figures.format import enumeration, percent
from service.report.figures.html import Fragment, paragraph, strong
from service.report.figures.style import ACCENT, INK, QUIET, Chart, in_style

_MARKS = {"transfer": "s", "distillation": "D"}


def frontier(reports: Reports) -> list[ExperimentReport]:
    """The networks that no other one beats in both accuracy and latency, the fastest first."""
    kept: list[ExperimentReport] = []
    for report in sorted(_measured(reports), key=lambda each: (_latency(each), -_accuracy(each))):
        if not kept or _accuracy(report) > _accuracy(kept[-1]):
            kept.append(report)
    return kept


@in_style
def pareto_chart(reports: Reports) -> Chart:
    """Validation accuracy against the time of one photograph, on a logarithmic axis."""
    chart = Chart(height=4.6, alt="Validation accuracy of each network against its latency.")
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
        axes.annotate(
            str(number),
            (_latency(report), _accuracy(report)),
            xytext=(-4, 5),
            textcoords="offset points",
            ha="right",
            color=INK,
            fontsize=8.5,
        )
    # Names beside the points would lie on each other; slow and inaccurate networks are rare.
    named = "\n".join(f"{number}  {report.name}" for number, report in enumerate(best, 1))
    axes.text(
        0.985, 0.03, named, transform=axes.transAxes, ha="right", va="bottom",
        multialignment="left", fontsize=8.5,
    )  # fmt: skip
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(ScalarFormatter())
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("milliseconds for one photograph, exported encoder (logarithmic)")
    axes.set_ylabel("validation accuracy")
    axes.set_title("Circles: own networks, squares: pretrained ones, diamonds: distilled ones")
    return chart


def pareto_findings(reports: Reports) -> Fragment:
    """Which networks are worth their cost, in words."""
    best = frontier(reports)
    if not best:
        return paragraph("The cost of the networks was not measured.")
    if len(_measured(reports)) == 1:
        return paragraph(f"{best[0].name} is the only network measured.")
    said = [f"{each.name} ({percent(each.accuracy)} in {_latency(each):.1f} ms)" for each in best]
    return paragraph(
        strong("What it shows. "),
        f"No other network is both faster and more accurate than {enumeration(said)}. All others "
        "cost more time for less accuracy. Most techniques against overfitting cost training time "
        "alone, so own networks stand above each other at one latency.",
    )


def _measured(reports: Reports) -> list[ExperimentReport]:
    return [each for each in reports.values() if each.cost is not None]


def _latency(report: ExperimentReport) -> float:
    return report.cost.latency_ms if report.cost else 0.0


def _accuracy(report: ExperimentReport) -> float:
    return report.accuracy or 0.0
