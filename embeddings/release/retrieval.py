"""Reports of the search for similar images by the layers of a trained network."""

from pydantic import Field

from embeddings.frozen_model import FrozenModel


class Estimate(FrozenModel):
    """Mean of a measure over validation images, with its interval."""

    value: float = Field(description="Mean over the images, 0-1; mean over the seeds.")
    interval: tuple[float, float] = Field(
        description="95 % bootstrap interval, 0-1; resampled by photographer. Each limit is the "
        "mean over the seeds."
    )


MEASURES = ("P@1", "P@3", "mAP", "R-precision")
"""Short names of the measures, in the order of `RetrievalScores.estimates`."""


class RetrievalScores(FrozenModel):
    """Validation images as queries among all training images, by exact Euclidean distance."""

    precision_at_1: Estimate = Field(
        description="Share of the queries whose nearest image has their class."
    )
    precision_at_3: Estimate = Field(
        description="Share of the three nearest images that have the class of the query."
    )
    mean_average_precision: Estimate = Field(
        description="Mean over the queries of the average precision, which is the mean, over the "
        "training images of the class, of the precision up to the rank of each."
    )
    r_precision: Estimate = Field(
        description="Share of the R nearest images that have the class of the query; R is the "
        "number of training images of that class."
    )

    @property
    def estimates(self) -> tuple[Estimate, ...]:
        """All measures, in the order of `MEASURES`."""
        return tuple(getattr(self, name) for name in RetrievalScores.model_fields)


class ClassRetrieval(FrozenModel):
    """Scores of the validation images of one class."""

    label: str = Field(description="Class.")
    support: int = Field(description="Validation images of this class.")
    embedding: RetrievalScores = Field(description="By the embedding.")
    pooled: RetrievalScores = Field(description="By the pooled features.")


class Retrieval(FrozenModel):
    """Scores of the search by the embedding and by the pooled features, its input."""

    embedding: RetrievalScores = Field(description="By the embedding, the penultimate layer.")
    pooled: RetrievalScores = Field(description="By the pooled features, the input of that layer.")
    per_class: tuple[ClassRetrieval, ...] = Field((), description="Classes of the queries.")


def mean_over_seeds(reports: list[Retrieval]) -> Retrieval | None:
    """Return the means of all values and limits over reports of the same classes.

    Returns None without reports.
    """
    if not reports:
        return None
    return Retrieval(
        embedding=_mean_scores([each.embedding for each in reports]),
        pooled=_mean_scores([each.pooled for each in reports]),
        per_class=tuple(
            ClassRetrieval(
                label=found[0].label,
                support=found[0].support,
                embedding=_mean_scores([each.embedding for each in found]),
                pooled=_mean_scores([each.pooled for each in found]),
            )
            for found in zip(*(each.per_class for each in reports), strict=True)
        ),
    )


def _mean_scores(found: list[RetrievalScores]) -> RetrievalScores:
    def mean(name: str) -> Estimate:
        parts: list[Estimate] = [getattr(each, name) for each in found]
        low, high = (sum(each.interval[side] for each in parts) / len(parts) for side in (0, 1))
        return Estimate(value=sum(each.value for each in parts) / len(parts), interval=(low, high))

    return RetrievalScores(**{name: mean(name) for name in RetrievalScores.model_fields})
