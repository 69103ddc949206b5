"""Comparison of all experiments: table, chart, differences and skipped experiments."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, MaxNLocator

from embeddings.release.reports import ExperimentReport, ExperimentSummary, rank_experiments
from service.client import Client
from service.report.figures.format import (
    count,
    difference_error,
    percent,
    plural,
    points,
    seconds,
    standard_error,
    width,
)
from service.report.figures.history import trained_on
from service.report.figures.html import Fragment, Part, bullets, joined, paragraph, strong, table
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

Reports = Mapping[str, ExperimentReport]
"""Finished experiments by name, in the order of the comparison."""

_HEADER = (
    "experiment",
    "input",
    "weights",
    "trained weights",
    "epochs",
    "seconds",
    "ms per image",
    "tuning accuracy",
    "validation accuracy",
    "macro F1",
    "P@3",
)


def finished(client: Client, comparison: ExperimentList) -> Reports:
    """Return the reports of the finished experiments, without their confusion matrices.

    Matrices grow with the square of the number of classes; `client.experiment` returns one.
    """
    done = (each.name for each in comparison.experiments if each.status == "done")
    return {name: client.experiment(name).model_copy(update={"confusion": ()}) for name in done}


def of_family(reports: Reports, family: str) -> Reports:
    """Return the finished experiments of one family."""
    return {name: report for name, report in reports.items() if report.family == family}


def summary_table(comparison: ExperimentList) -> Fragment:
    """Return a table with a row per experiment; the published one is marked."""
    rows = [_line(each, each.name == comparison.best) for each in comparison.experiments]
    return joined([table(_HEADER, rows), trained_on(comparison), _skipped(comparison.experiments)])


def summary_findings(comparison: ExperimentList, reports: Reports) -> Fragment:
    """Return the findings of the comparison."""
    best, *others = rank_experiments(reports.values(), comparison.tuning)
    parts: list[Part] = [
        strong("Findings. "),
        f"{best.name} has {_merit(best, reports)} and is "
        f"therefore published. On the {count(comparison.validation)} validation images, which "
        f"are not used for that choice, its accuracy is {percent(best.accuracy)}, with a standard "
        f"error of {width(_error(best, comparison.validation))}.",
    ]
    if others and others[0].tuning_accuracy is not None:
        second = others[0]
        parts.append(
            f" The second best is {second.name}, with {percent(second.tuning_accuracy)} on the "
            "tuning part "
            f"and {percent(second.accuracy)} on the validation set."
        )
    return joined([paragraph(*parts), paragraph(_tuning_findings(comparison, reports))])


def _merit(best: ExperimentReport, reports: Reports) -> str:
    if best.tuning_accuracy is None:
        return "the lowest loss on the training images (there is no tuning part)"
    highest = max(each.tuning_accuracy or 0.0 for each in reports.values())
    if best.tuning_accuracy == highest:
        return f"the highest tuning accuracy ({percent(highest)})"
    return (
        f"a tuning accuracy ({percent(best.tuning_accuracy)}) within one standard error of the "
        f"highest ({percent(highest)}), the highest precision at 3 of tuning images among those "
        f"experiments ({percent(best.tuning_precision_at_3)})"
    )


def differences(first: ExperimentReport, shown: Reports, comparison: ExperimentList) -> Fragment:
    """Return the accuracy and the cost of each model beside those of the first one."""
    lines: list[Part] = []
    for report in shown.values():
        difference = (report.accuracy or 0.0) - (first.accuracy or 0.0)
        error = difference_error(
            report.accuracy or 0.0, first.accuracy or 0.0, comparison.validation
        )
        text = (
            f" ({report.change}): accuracy {percent(report.accuracy)}, {points(difference)} "
            f"against {first.name} (standard error at most {width(error)}), after "
            f"{seconds(report.train_seconds)} of training; "
            f"{count(report.trainable_parameters)} of {count(report.parameters)} weights are "
            "trained."
        )
        lines.append(joined([strong(report.name), text]))
    if not lines:
        return paragraph("This release has no finished experiment of this kind.")
    return joined([paragraph(strong("Findings. "), "On the validation set:"), bullets(lines)])


@in_style
def comparison_chart(comparison: ExperimentList, reports: Reports) -> Chart:
    """Accuracy with its standard error, training time and size of each finished experiment."""
    shown = list(reports.values())
    chart = Chart(
        height=1.2 + 0.26 * len(shown),
        alt="Accuracy, training seconds and trained weights of each experiment.",
    )
    accuracy, duration, size = chart.subplots(1, 3, sharey=True, width_ratios=(2.4, 1, 1))
    _draw_accuracies(accuracy, shown, comparison)
    _draw_bars(duration, [report.train_seconds or 0.0 for report in shown], "training, seconds")
    _draw_bars(size, [report.trainable_parameters or 0 for report in shown], "trained weights")
    size.xaxis.set_major_formatter(EngFormatter(sep=""))
    accuracy.set_yticks(range(len(shown)), [report.name for report in shown])
    for label, report in zip(accuracy.get_yticklabels(), shown, strict=True):
        label.set_fontweight("bold" if report.name == comparison.best else "normal")
    accuracy.set_ylim(len(shown) - 0.5, -0.5)
    return chart


def _tuning_findings(comparison: ExperimentList, reports: Reports) -> str:
    differences = [
        report.tuning_accuracy - (report.accuracy or 0.0)
        for report in reports.values()
        if report.tuning_accuracy is not None
    ]
    if not differences:
        return ""
    mean = sum(differences) / len(differences)
    return (
        f"On the {plural(comparison.tuning, 'image')} of the tuning part the accuracies are "
        f"{width(abs(mean))} {'lower' if mean < 0 else 'higher'} on average than on the validation "
        "set. The two are different samples, and choices are made on the first: compare models "
        "within a column."
    )


def _draw_accuracies(
    axes: Axes, shown: Sequence[ExperimentReport], comparison: ExperimentList
) -> None:
    rows = range(len(shown))
    axes.errorbar(
        [report.accuracy or 0.0 for report in shown],
        rows,
        xerr=[_error(report, comparison.validation) for report in shown],
        fmt="o",
        color=ACCENT,
        elinewidth=2,
        label="validation ± standard error",
    )
    tuned = {
        row: report.tuning_accuracy
        for row, report in enumerate(shown)
        if report.tuning_accuracy is not None
    }
    axes.plot(
        list(tuned.values()),
        list(tuned),
        "D",
        markersize=6,
        markerfacecolor="none",
        markeredgecolor=INK,
        label="tuning",
    )
    label_percentages(axes.xaxis)
    axes.set_xlabel("accuracy")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0)
    remove_frame(axes)


def _draw_bars(axes: Axes, values: Sequence[float], name: str) -> None:
    axes.barh(range(len(values)), values, height=0.5, color=QUIET)
    axes.margins(x=0.08)
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.set_xlabel(name)
    remove_frame(axes)


def _line(each: ExperimentSummary, best: bool) -> list[Part]:
    if each.status == "skipped":
        return [f"{each.name} (skipped)", *["–"] * (len(_HEADER) - 1)]
    figures = [
        f"{each.input[1]}×{each.input[0]}" if each.input else "–",
        count(each.parameters),
        count(each.trainable_parameters),
        count(each.epochs),
        seconds(each.train_seconds),
        f"{each.cost.latency_ms:.1f}" if each.cost else "–",
        percent(each.tuning_accuracy),
        percent(each.accuracy),
        percent(each.macro_f1),
        percent(each.precision_at_3),
    ]
    if not best:
        return [each.name, *figures]
    name = strong(f"★\N{NO-BREAK SPACE}{each.name}")
    return [name, *(strong(figure) for figure in figures)]


def _skipped(experiments: Sequence[ExperimentSummary]) -> Fragment:
    skipped = [each for each in experiments if each.status == "skipped"]
    if not skipped:
        return paragraph("★ published. No experiment was skipped.")
    reasons = bullets(f"{each.name}: {each.reason}" for each in skipped)
    text = f"★ published. {plural(len(skipped), 'experiment was', 'experiments were')} skipped:"
    return joined([paragraph(text), reasons])


def _error(report: ExperimentReport, validation: int) -> float:
    return standard_error(report.accuracy or 0.0, validation)
