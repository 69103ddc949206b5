"""Conclusions of the report, made from answers of the service."""

import random
from collections.abc import Sequence

from embeddings.release.reports import ExperimentReport
from service.client import Client
from service.report.figures.comparison import Reports
from service.report.figures.confusion import frequent_confusions
from service.report.figures.curves import gap
from service.report.figures.format import count, percent, plural, points
from service.report.figures.html import Fragment, bullets
from service.report.figures.techniques import Effect, effects
from service.schemas import ExperimentList, ImageRecord


def agreement(
    client: Client, images: Sequence[ImageRecord], number: int, seed: int
) -> float | None:
    """Return the share of three nearest images that have the class of the query.

    The queries are validation images drawn at random; None without validation images.
    """
    aside = [record for record in images if record.split == "validation"]
    drawn = random.Random(seed).sample(aside, min(number, len(aside)))
    alike = [
        neighbor.label == record.label
        for record in drawn
        for neighbor in client.neighbors(record.id, k=3).neighbors
    ]
    return sum(alike) / len(alike) if alike else None


def conclusions(
    comparison: ExperimentList, reports: Reports, best: ExperimentReport, alike: float | None
) -> Fragment:
    """Return the conclusions of the report; `best` is the published model with its matrix."""
    skipped = sum(each.status == "skipped" for each in comparison.experiments)
    lines = [
        f"{best.name} is the best of {plural(len(reports), 'finished experiment')}: on the "
        f"validation images, accuracy {percent(best.accuracy)}, macro F1 "
        f"{percent(best.macro_f1)}.",
        *_weakest(best),
        f"In a search by its embedding, {percent(alike)} of the three nearest images have the "
        "class of the query image.",
        *_techniques(reports, comparison.validation),
    ]
    if skipped:
        lines.append(f"{plural(skipped, 'experiment')} were skipped; section 5 gives the reasons.")
    return bullets(lines)


def _techniques(reports: Reports, validation: int) -> list[str]:
    found = effects(reports, validation)
    if not found:
        return []
    helpful = max(found, key=lambda effect: effect.difference)
    verdict = "more" if helpful.significant else "no more"
    gain = (
        f"{helpful.technique.name} raises the validation accuracy of {helpful.base.name} most "
        f"({points(helpful.difference)}), {verdict} than chance explains"
        if helpful.difference > 0
        else f"none raises the validation accuracy of {helpful.base.name}; "
        f"{helpful.technique.name} lowers it least ({points(helpful.difference)})"
    )
    return [f"Of the techniques against overfitting, {gain}.{_smallest_gap(found)}"]


def _smallest_gap(found: Sequence[Effect]) -> str:
    gaps = {
        effect.technique.name: (known, effect.base)
        for effect in found
        if (known := gap(effect.technique.curves)) is not None
    }
    if not gaps:
        return ""
    name, (smallest, base) = min(gaps.items(), key=lambda each: each[1][0])
    return (
        f" The smallest gap between fit and tuning accuracy is that of {name} "
        f"({points(smallest)} instead of {points(gap(base.curves))})."
    )


def _weakest(best: ExperimentReport) -> list[str]:
    found = frequent_confusions(best, most=1)
    if not found:
        return []
    label, predicted, number = found[0]
    worst = min((each for each in best.per_class if each.support), key=lambda each: each.f1)
    return [
        f"The class with the lowest F1 is {worst.label} ({percent(worst.f1)}); the most frequent "
        f"confusion is {label} predicted as {predicted} ({plural(number, 'image')} of "
        f"{count(sum(map(sum, best.confusion)))})."
    ]
