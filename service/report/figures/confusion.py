"""What a network gets wrong: which classes it takes for which, and how sure it is."""

from collections import Counter

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from embeddings.release.reports import ClassReport, ExperimentReport
from service.report.figures.format import count, enumeration, partly, percent, plural
from service.report.figures.html import Fragment, joined, paragraph, strong, table
from service.report.figures.split import maker_of
from service.report.figures.style import INK, Chart, in_style
from service.schemas import ErrorList, ExperimentList, LabelIssueList, Misclassification

_SHADES = LinearSegmentedColormap.from_list("shades", ["#ffffff", "#7fa8c9", "#0b3c5d"])
MOST_IN_MATRIX = 20
"""Classes that a confusion matrix shows; of more, those with the most confusions."""
MOST_IN_TABLE = 40
"""Classes that a table shows; of more, the worst."""

_SURE = 0.9


@in_style
def confusion_chart(report: ExperimentReport) -> Chart:
    """Validation photographs by true and predicted class; the shade is the share of the row.

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
    """Precision, recall and F1 of each class of the validation set; of many, the worst 40."""
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
    shown = table(("class", "precision", "recall", "F1", "photographs"), rows)
    if len(rows) == len(report.per_class):
        return shown
    return joined([paragraph(f"{partly(len(rows), len(report.per_class))} the lowest F1:"), shown])


def confusion_findings(report: ExperimentReport) -> Fragment:
    """What the matrix shows, in words."""
    ranked = sorted(
        (each for each in report.per_class if each.support), key=lambda each: each.recall
    )
    seeds = report.evidence.seeds if report.evidence else 1
    first = " (the mean over its seeds; the matrix is that of the first)" if seeds > 1 else ""
    worst, best = ranked[0], ranked[-1]
    return paragraph(
        strong("What the matrix shows. "),
        f"On the validation set, {report.name} recognises {percent(report.accuracy)} of the "
        f"photographs{first}. {_extremes_in_words(worst, best)}{_confusions_in_words(report)}",
    )


def _extremes_in_words(worst: ClassReport, best: ClassReport) -> str:
    if worst.recall == best.recall:
        return ""
    return (
        f"Of the classes, {best.label} is found most surely "
        f"({percent(best.recall)} of its {plural(best.support, 'photograph')}) and {worst.label} "
        f"least surely ({percent(worst.recall)} of {count(worst.support)}). "
    )


def error_findings(errors: ErrorList, comparison: ExperimentList) -> Fragment:
    """How many errors there are and how sure the network is of them, in words."""
    if not errors.total:
        return paragraph(strong("What it shows. "), "It misclassifies no validation photograph.")
    sure = sum(error.probabilities[error.predicted] >= _SURE for error in errors.errors)
    share = errors.total / max(comparison.validation, 1)
    return paragraph(
        strong("What it shows. "),
        f"{count(errors.total)} of {count(comparison.validation)} validation photographs "
        f"({percent(share)}) are misclassified. In {count(sure)} of these cases the network gives "
        f"the wrong class a probability of {percent(_SURE, 0)} or more. {_makers_in_words(errors)}",
    )


def one_per_photographer(errors: ErrorList, most: int) -> list[Misclassification]:
    """The worst error of each photographer, so that one afternoon does not fill the page."""
    seen: dict[str, Misclassification] = {}
    for each in errors.errors:
        seen.setdefault(maker_of(each.attribution) or each.id, each)
    return list(seen.values())[:most]


def label_findings(issues: LabelIssueList, errors: ErrorList) -> Fragment:
    """How many labels are doubtful, and how many errors they explain, in words."""
    if not issues.total:
        return paragraph(strong("What it shows. "), "No label is doubtful enough to be listed.")
    listed = (
        f"{plural(issues.total, 'label')} of all photographs "
        f"{'is' if issues.total == 1 else 'are'} listed."
    )
    if not errors.total:
        return paragraph(strong("What it shows. "), listed)
    doubtful = {issue.id for issue in issues.issues}
    explained = sum(error.id in doubtful for error in errors.errors)
    agreed = sum(
        issue.suggested == error.predicted
        for issue in issues.issues
        for error in errors.errors
        if error.id == issue.id
    )
    return paragraph(
        strong("What it shows. "),
        f"{listed} {count(explained)} of the "
        f"{plural(errors.total, 'error')} of the published network on the validation set "
        f"{'is' if explained == 1 else 'are'} among them, {count(agreed)} with the very class that "
        "is suggested: there the network may be right and the label wrong.",
    )


def frequent_confusions(report: ExperimentReport, most: int = 3) -> list[tuple[str, str, int]]:
    """The most frequent confusions: true class, predicted class, number of photographs."""
    if not report.confusion:
        return []
    found = [
        (label, predicted, number)
        for label, row in zip(report.classes, report.confusion, strict=True)
        for predicted, number in zip(report.classes, row, strict=True)
        if number and predicted != label
    ]
    return sorted(found, key=lambda confusion: -confusion[2])[:most]


def _makers_in_words(errors: ErrorList) -> str:
    makers = Counter(maker for each in errors.errors if (maker := maker_of(each.attribution)))
    if not makers:
        return ""
    return (
        f"The misclassified photographs are by {plural(len(makers), 'photographer')}, no one "
        f"of whom made more than {count(max(makers.values()))}."
    )


def _confusions_in_words(report: ExperimentReport) -> str:
    found = frequent_confusions(report)
    if not found:
        return "It confuses no two classes."
    pairs = [f"{label} taken for {predicted} ({count(n)})" for label, predicted, n in found]
    return f"The most frequent confusions are {enumeration(pairs)}."
