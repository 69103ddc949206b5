"""Images to look at, in their order, with reasons, suggestions and effects on the figures."""

import numpy as np

from embeddings.arrays import Mask
from embeddings.review.decided import decided_rows
from embeddings.review.evidence import NO_CLASS
from embeddings.review.queue import Goal, Queue, label_queue, review_queue
from embeddings.store.attribution import attribution_of
from embeddings.store.records import record_tag
from service.image_filter import ImageFilter
from service.schemas import (
    ReviewItem,
    ReviewQueue,
    ReviewReason,
    image_path,
)
from service.serving.effects import effect_on_figures
from service.serving.responses import nearest_stored
from service.serving.served_release import ServedRelease


def review_page(served: ServedRelease, goal: Goal, where: ImageFilter, page: slice) -> ReviewQueue:
    """Return a page of the images to look at that match a filter. Raises `StoreUnreadable`."""
    labelled = served.reasons.evidence.labelled
    chosen = served.mask(where) & (labelled if goal == "review" else ~labelled)
    decided = chosen & decided_rows(served.live, served.history.decided())
    queue = _queue(served, goal, chosen & ~decided)
    pairs = zip(queue.rows[page].tolist(), queue.scores[page].tolist(), strict=True)
    about = _to_review if goal == "review" else _to_label
    return ReviewQueue(
        goal=goal,
        items=tuple(about(served, row, score) for row, score in pairs),
        total=len(queue.rows),
        decided=int(decided.sum()),
        release=served.manifest.fingerprint,
        revision=served.revision,
    )


def _queue(served: ServedRelease, goal: Goal, among: Mask) -> Queue:
    if goal == "label":
        return label_queue(served.information, among, served.live.index.embeddings.__getitem__)
    rows = served.live.ids_in_order()
    return review_queue(served.reasons, rows[among[rows]])


def _to_review(served: ServedRelease, row: int, score: float) -> ReviewItem:
    reasons = served.reasons
    suggested = reasons.suggested(row)
    found = tuple(
        ReviewReason(kind=each.kind, value=each.value, text=each.text) for each in reasons.of(row)
    )
    return _item(served, row, None if suggested == NO_CLASS else suggested, score, found)


def _to_label(served: ServedRelease, row: int, score: float) -> ReviewItem:
    information = served.information
    at = int(np.flatnonzero(information.rows == row)[0])
    entropy, density = float(information.entropies[at]), float(information.densities[at])
    found = (
        ReviewReason(
            kind="entropy",
            value=entropy,
            text=f"The probabilities have {entropy:.0%} of the largest entropy.",
        ),
        ReviewReason(
            kind="density",
            value=density,
            text=f"The mean cosine similarity to all images without a label is {density:.2f}.",
        ),
    )
    return _item(served, row, int(served.reasons.evidence.predicted[row]), score, found)


def _item(
    served: ServedRelease,
    row: int,
    suggested: int | None,
    score: float,
    reasons: tuple[ReviewReason, ...],
) -> ReviewItem:
    evidence, image = served.reasons.evidence, served.live.record(row)
    name = None if suggested is None else evidence.classes[suggested]
    found = served.recognition(row).prediction_set
    return ReviewItem(
        id=image.id,
        label=image.label,
        suggested=name,
        score=score,
        reasons=reasons,
        predicted=evidence.classes[evidence.predicted[row]],
        probability=float(evidence.confidences[row]),
        set=tuple(evidence.classes[number] for number in found),
        typicality=float(evidence.typicalities[row]),
        neighbors=nearest_stored(served, row),
        split=image.split,
        learned=served.live.learned(row),
        affects=effect_on_figures(served, row, suggested),
        image=served.root_path + image_path(image.id),
        attribution=attribution_of(image),
        etag=record_tag(image),
    )
