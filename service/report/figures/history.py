"""History of the collection: dataset versions, their sizes and changes."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.ticker import MaxNLocator

from embeddings.release.reports import VersionComparison
from service.client import Client
from service.report.figures.format import count, enumeration, percent, plural
from service.report.figures.html import Fragment, Part, element, joined, paragraph, strong, table
from service.report.figures.style import PALE, Chart, class_styles, in_style
from service.schemas import (
    ChangeCounts,
    DatasetVersion,
    ExperimentList,
    VersionDifference,
    VersionList,
)

_MOST_SHOWN = 12
_MOST_NAMED = 20
_HEADER = (
    "revision",
    "time, UTC",
    "images",
    "added",
    "deleted",
    "new file",
    "new label",
    "to pool",
    "label kept",
)


def recent_versions(client: Client) -> VersionList:
    """Return the newest dataset versions, as many as the figures show."""
    return client.versions(limit=_MOST_SHOWN)


def version_changes(client: Client, versions: VersionList) -> tuple[VersionDifference, ...]:
    """Return the difference of each version to the one before it; none for the last."""
    return tuple(
        client.diff(before.revision, after.revision, limit=1)
        for after, before in pairwise(versions.versions)
    )


@in_style
def history_chart(versions: VersionList, classes: Sequence[str]) -> Chart:
    """Draw the numbers of images of each class in each dataset version, the oldest first."""
    shown = versions.versions[::-1]
    chart = Chart(height=3.2, alt="Images of each class in each dataset version.")
    axes = chart.subplots()
    places, bottom = np.arange(len(shown)), np.zeros(len(shown))
    for label, style in class_styles(classes).items():
        sizes = np.array([each.classes.get(label, 0) for each in shown])
        axes.bar(places, sizes, 0.7, bottom, color=style.colour, label=label)
        bottom += sizes
    axes.bar(places, [each.images for each in shown] - bottom, 0.7, bottom, color=PALE)
    axes.set_xticks(places, [str(each.revision) for each in shown])
    axes.set_xlabel("revision")
    axes.set_ylabel("images")
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.grid(visible=False, axis="x")
    if len(classes) <= _MOST_NAMED:
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return chart


def history_table(versions: VersionList, changes: Sequence[VersionDifference]) -> Fragment:
    """Return a table with a row for each dataset version, newest first, and what changed."""
    totals = [*(each.total for each in changes), None]
    rows = [
        [str(version.revision), _time(version), count(version.images), *_numbers(total)]
        for version, total in zip(versions.versions, totals, strict=True)
    ]
    return table(_HEADER, rows, text_columns=2)


def history_findings(versions: VersionList, comparison: ExperimentList) -> Fragment:
    """Return the dataset version of the release and that of its model."""
    newest, oldest = versions.versions[0], versions.versions[-1]
    tags = [each for version in versions.versions for each in version.tags]
    older = versions.total - len(versions.versions)
    parts: list[Part] = [
        strong("Findings. "),
        f"The release shows revision {versions.revision}. ",
        f"From revision {oldest.revision} to {newest.revision} the collection went from "
        f"{plural(oldest.images, 'image')} to {count(newest.images)}. ",
    ]
    if tags:
        parts.append(f"The dataset versions with a name are {enumeration(tags)}. ")
    if older:
        parts.append(f"{plural(older, 'older version is', 'older versions are')} not shown. ")
    earlier = [_against(version) for version in comparison.versions]
    return joined([paragraph(*parts), trained_on(comparison), *earlier])


def _against(earlier: VersionComparison) -> Fragment:
    """Return the models of an earlier version beside the present ones, on common images."""
    rows = [
        [
            pair.experiment,
            count(pair.seeds),
            percent(pair.before),
            percent(pair.after),
            pair.verdict,
        ]
        for pair in earlier.experiments
    ]
    words = paragraph(
        f"Against revision {earlier.revision} (",
        element("code", earlier.version),
        f", {plural(earlier.train, 'training image')}), on the "
        f"{plural(earlier.common, 'validation image')} of both versions:",
    )
    return joined([words, table(("experiment", "seeds", "then", "now", "difference"), rows)])


def trained_on(comparison: ExperimentList) -> Fragment:
    """Return the dataset version behind the figures of a comparison."""
    training = comparison.training
    parts: list[Part] = [
        "Trained on dataset version ",
        element("code", training.version),
        f" (revision {training.revision}), {plural(training.images, 'image')}; measured on its "
        f"{plural(training.validation, 'validation image')}.",
    ]
    if comparison.not_learned:
        later = plural(comparison.not_learned, "training image")
        parts.append(f" The release has {later} more, which came after the training.")
    return paragraph(*parts)


def _numbers(total: ChangeCounts | None) -> list[str]:
    if total is None:
        return ["–"] * len(ChangeCounts.model_fields)
    return [count(getattr(total, name)) for name in ChangeCounts.model_fields]


def _time(version: DatasetVersion) -> str:
    return f"{version.created:%Y-%m-%d %H:%M}"
