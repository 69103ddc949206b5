"""The report as a whole, in a few sentences made from the answers of the service."""

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
    """Share of the three nearest that have the class of a validation photograph drawn at random.

    None without validation photographs.
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
    """Return the conclusions of the report; `best` is the published network with its matrix."""
    skipped = sum(each.status == "skipped" for each in comparison.experiments)
    lines = [
        f"{best.name} is the best of {plural(len(reports), 'finished experiment')}: it recognises "
        f"{percent(best.accuracy)} of the validation photographs, macro F1 "
        f"{percent(best.macro_f1)}.",
        *_weakest(best),
        f"Searching by its embedding, {percent(alike)} of the three nearest photographs have the "
        "class of the photograph asked about.",
        *_techniques(reports, comparison.validation),
    ]
    if skipped:
        lines.append(f"{plural(skipped, 'experiment')} could not be run; the summary says why.")
    return bullets(lines)


def _techniques(reports: Reports, validation: int) -> list[str]:
    found = effects(reports, validation)
    if not found:
        return []
    helpful = max(found, key=lambda effect: effect.difference)
    verdict = "more" if helpful.notable else "no more"
    gain = (
        f"{helpful.technique.name} does most for the validation accuracy of {helpful.base.name} "
        f"({points(helpful.difference)}), {verdict} than the choice of validation photographs can "
        "explain"
        if helpful.difference > 0
        else f"none raises the validation accuracy of {helpful.base.name}; "
        f"{helpful.technique.name} comes nearest ({points(helpful.difference)})"
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
        f"What it finds hardest is {worst.label} (F1 {percent(worst.f1)}); its most frequent "
        f"confusion is {label} taken for {predicted} ({plural(number, 'photograph')} of "
        f"{count(sum(map(sum, best.confusion)))})."
    ]
