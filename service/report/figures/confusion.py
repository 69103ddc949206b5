"""Errors of a model: confusion matrix, classes, misclassified images and likely label errors."""

from collections import Counter

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from embeddings.release.reports import ClassReport, ExperimentReport
from service.report.figures.format import count, enumeration, partly, percent, plural
from service.report.figures.html import Fragment, joined, paragraph, strong, table
from service.report.figures.split import photographer_of
from service.report.figures.style import INK, Chart, in_style
from service.schemas import ErrorList, ExperimentList, LabelIssueList, Misclassification

_SHADES = LinearSegmentedColormap.from_list("shades", ["#ffffff", "#7fa8c9", "#0b3c5d"])
MOST_IN_MATRIX = 20
"""Largest number of classes in a confusion matrix; those with the most confusions are kept."""
MOST_IN_TABLE = 40
"""Largest number of classes in a table; the worst are kept."""

_CONFIDENT = 0.9


@in_style
def confusion_chart(report: ExperimentReport) -> Chart:
    """Draw the confusion matrix of the validation images; the shade is the share of the row.

    Of more than 20 classes, the 20 with the most confusions are shown.
    """
    number = len(report.classes)
    matrix = np.array(report.confusion, np.int64).reshape(number, number)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    wrong = matrix - np.diag(np.diag(matrix))
    confused = wrong.sum(axis=0) + wrong.sum(axis=1)
    chosen = np.sort(np.argsort(-confused, kind="stable")[:MOST_IN_MATRIX])
    matrix, shares = matrix[np.ix_(chosen, chosen)], shares[np.ix_(chosen, chosen)]
    classes = [report.classes[each] for each in chosen]
    size = 2.2 + 0.42 * len(classes)
    chart = Chart(
        height=size, width=size + 0.6, alt=f"Confusion matrix of {report.name}, validation set."
    )
    axes = chart.subplots()
    axes.imshow(shares, cmap=_SHADES, vmin=0, vmax=1)
    for (row, column), images in np.ndenumerate(matrix):
        colour = "white" if shares[row, column] > 0.5 else INK
        written = count(int(images)) if images else "·"
        axes.text(column, row, written, color=colour, ha="center", va="center")
    axes.set_xticks(range(len(classes)), classes, rotation=35, ha="right")
    axes.set_yticks(range(len(classes)), classes)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true class")
    axes.set_title(
        f"{report.name}: the {len(classes)} of {count(number)} classes with the most confusions"
        if number > len(classes)
        else report.name
    )
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    return chart


def class_table(report: ExperimentReport) -> Fragment:
    """Return precision, recall and F1 of each validation class; of more than 40, the worst 40."""
    worst = sorted(report.per_class, key=lambda each: each.f1)[:MOST_IN_TABLE]
    kept = {each.label for each in worst}
    rows = [
        [
            each.label,
            percent(each.precision),
            percent(each.recall),
            percent(each.f1),
            str(each.support),
        ]
        for each in report.per_class
        if each.label in kept
    ]
    shown = table(("class", "precision", "recall", "F1", "images"), rows)
    if len(rows) == len(report.per_class):
        return shown
    return joined([paragraph(f"{partly(len(rows), len(report.per_class))} the lowest F1:"), shown])


def confusion_findings(report: ExperimentReport) -> Fragment:
    """Return the findings of the confusion matrix."""
    ranked = sorted(
        (each for each in report.per_class if each.support), key=lambda each: each.recall
    )
    seeds = report.evidence.seeds if report.evidence else 1
    first = " (the mean over its seeds; the matrix is that of the first)" if seeds > 1 else ""
    worst, best = ranked[0], ranked[-1]
    return paragraph(
        strong("Findings. "),
        f"On the validation set, the accuracy of {report.name} is {percent(report.accuracy)}"
        f"{first}. {_recall_range(worst, best)}{_confusions(report)}",
    )


def _recall_range(worst: ClassReport, best: ClassReport) -> str:
    if worst.recall == best.recall:
        return ""
    return (
        f"The highest recall is that of {best.label} "
        f"({percent(best.recall)} of {plural(best.support, 'image')}), the lowest that of "
        f"{worst.label} ({percent(worst.recall)} of {count(worst.support)}). "
    )


def error_findings(errors: ErrorList, comparison: ExperimentList) -> Fragment:
    """Return the number of errors and the probabilities that the model gives to them."""
    if not errors.total:
        return paragraph(strong("Findings. "), "No validation image is misclassified.")
    confident = sum(error.probabilities[error.predicted] >= _CONFIDENT for error in errors.errors)
    share = errors.total / max(comparison.validation, 1)
    return paragraph(
        strong("Findings. "),
        f"{count(errors.total)} of {count(comparison.validation)} validation images "
        f"({percent(share)}) are misclassified. In {count(confident)} of these cases the model "
        "gives "
        f"the wrong class a probability of {percent(_CONFIDENT, 0)} or more. "
        f"{_photographers(errors)}",
    )


def one_per_photographer(errors: ErrorList, most: int) -> list[Misclassification]:
    """Return the worst error of each photographer, so that one series does not fill the page."""
    seen: dict[str, Misclassification] = {}
    for each in errors.errors:
        seen.setdefault(photographer_of(each.attribution) or each.id, each)
    return list(seen.values())[:most]


def label_findings(issues: LabelIssueList, errors: ErrorList) -> Fragment:
    """Return the number of likely label errors, and of errors of the model among them."""
    if not issues.total:
        return paragraph(strong("Findings. "), "No likely label error was found.")
    listed = (
        f"{plural(issues.total, 'likely label error')} "
        f"{'is' if issues.total == 1 else 'are'} listed."
    )
    if not errors.total:
        return paragraph(strong("Findings. "), listed)
    doubtful = {issue.id for issue in issues.issues}
    explained = sum(error.id in doubtful for error in errors.errors)
    agreed = sum(
        issue.suggested == error.predicted
        for issue in issues.issues
        for error in errors.errors
        if error.id == issue.id
    )
    return paragraph(
        strong("Findings. "),
        f"{listed} {count(explained)} of the "
        f"{plural(errors.total, 'error')} of the published model on the validation set "
        f"{'is' if explained == 1 else 'are'} among them, {count(agreed)} with the suggested class "
        "as prediction: there the model may be right and the label wrong.",
    )


def frequent_confusions(report: ExperimentReport, most: int = 3) -> list[tuple[str, str, int]]:
    """Return the most frequent confusions: true class, predicted class, number of images."""
    if not report.confusion:
        return []
    found = [
        (label, predicted, number)
        for label, row in zip(report.classes, report.confusion, strict=True)
        for predicted, number in zip(report.classes, row, strict=True)
        if number and predicted != label
    ]
    return sorted(found, key=lambda confusion: -confusion[2])[:most]


def _photographers(errors: ErrorList) -> str:
    makers = Counter(
        maker for each in errors.errors if (maker := photographer_of(each.attribution))
    )
    if not makers:
        return ""
    return (
        f"The misclassified images are by {plural(len(makers), 'photographer')}; the largest "
        f"number by one photographer is {count(max(makers.values()))}."
    )


def _confusions(report: ExperimentReport) -> str:
    found = frequent_confusions(report)
    if not found:
        return "No two classes are confused."
    pairs = [f"{label} predicted as {predicted} ({count(n)})" for label, predicted, n in found]
    return f"The most frequent confusions are {enumeration(pairs)}."
