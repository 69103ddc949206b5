"""The answers of the service, as its clients read them."""

from typing import Literal
from urllib.parse import quote

from pydantic import Field

from embeddings.frozen_model import FrozenModel
from embeddings.release.reports import ExperimentReport, ExperimentSummary
from embeddings.release.uncertainty import Calibration, PredictionSets, Typicality
from embeddings.store.records import Attribution, Split
from service.problems import ProblemType

API_KEY_HEADER = "X-API-Key"
"""The header that carries the service's key."""

_Id = Field(description="Path of the photograph in its data set, without the extension.")
_Label = Field(description="The photograph's true class.")
_Predicted = Field(description="The class that the published network finds most probable.")
_Split = Field(description="Whether the network was trained on it or validated with it.")
_Probabilities = Field(description="Probability of each class, 0-1; together they make 1.")
_Attribution = Field(
    description="What to show beside the photograph; null where nothing is known of its maker."
)
_Image = Field(description="Path of the photograph's JPEG file at this service.")


def heatmap_path(identifier: str) -> str:
    """The path of an error's heat map, percent-encoded."""
    return f"/errors/{quote(identifier)}/heatmap"


def image_path(identifier: str) -> str:
    """The path of a photograph's JPEG file, percent-encoded."""
    return f"/images/{quote(identifier)}"


class Answer(FrozenModel):
    """What every JSON answer carries."""

    release: str = Field(description="Fingerprint of the release that this answer comes from.")


class Problem(FrozenModel):
    """Error response in the format of RFC 9457."""

    type: str = Field(
        "about:blank",
        description="Problem type as a URI; later versions may add types.",
        examples=list(ProblemType),
    )
    title: str = Field(description="Name of the problem type.")
    status: int = Field(description="HTTP status.")
    detail: str = Field(description="Cause of the problem and its remedy.")
    release: str | None = Field(
        None, description="Fingerprint of the served release; absent if none is served."
    )


class Prediction(Answer):
    """What the published network sees in a photograph."""

    label: str = Field(description="The most probable class.")
    probabilities: dict[str, float] = _Probabilities
    set: tuple[str, ...] = Field(
        description="The classes that cannot be ruled out, the most probable first; the true one "
        "is among them for about 90 of 100 photographs. Empty where the network is too unsure."
    )
    typicality: float = Field(
        description="Share of validation photographs, 0-1, that are farther from the training "
        "photographs; near 0 the photograph is unlike anything learned."
    )


class Query(FrozenModel):
    """What was asked about."""

    id: str | None = Field(description="The stored photograph; null for an uploaded image.")


class Neighbor(FrozenModel):
    """A stored photograph near the query."""

    id: str = _Id
    label: str = _Label
    split: Split = _Split
    distance: float = Field(
        description="Euclidean distance between the two embeddings; it has no unit."
    )
    image: str = _Image
    attribution: Attribution | None = _Attribution


class Neighborhood(Answer):
    """The photographs whose embeddings are nearest to the query's, the query itself left out."""

    query: Query = Field(description="What was asked about.")
    k: int = Field(description="The number asked for; fewer come where there are no more.")
    metric: Literal["euclidean"] = Field(description="How distances are measured.")
    index: Literal["flat", "hnsw"] = Field(
        description="How they were found: `flat` compares with all, `hnsw` follows a graph."
    )
    exact: bool = Field(description="Whether no nearer photograph can have been missed.")
    neighbors: tuple[Neighbor, ...] = Field(
        description="Nearest first; equal distances in the order of their ids."
    )


class MapPoint(FrozenModel):
    """A stored photograph on the map."""

    id: str = _Id
    label: str = _Label
    predicted: str = _Predicted
    split: Split = _Split
    x: float = Field(description="Horizontal place; the map has no unit.")
    y: float = Field(description="Vertical place; the map has no unit.")


class Map(Answer):
    """A t-SNE map: photographs that the network sees alike lie near each other."""

    points: tuple[MapPoint, ...] = Field(description="The photographs drawn, in drawing order.")


class Point(FrozenModel):
    """A place on the map of the release."""

    x: float = Field(description="Horizontal place; the map has no unit.")
    y: float = Field(description="Vertical place; the map has no unit.")


class Placement(Answer):
    """Where an uploaded image belongs on the release's map."""

    point: Point = Field(description="Its place among the release's own points.")


class ImageRecord(FrozenModel):
    """What is known of a stored photograph besides its pixels."""

    id: str = _Id
    label: str = _Label
    split: Split = _Split
    width: int = Field(description="Upright width in pixels.")
    height: int = Field(description="Upright height in pixels.")
    attribution: Attribution | None = _Attribution


class ImageList(Answer):
    """A page of the stored photographs."""

    images: tuple[ImageRecord, ...] = Field(description="This page, in the order of the store.")
    total: int = Field(description="Photographs that fit the filters, on all pages together.")


class Image(ImageRecord, Answer):
    """One stored photograph."""


class Features(Answer):
    """What the feature store holds of a photograph."""

    id: str = _Id
    embedding: tuple[float, ...] = Field(
        description="Output of the network's penultimate layer; its dimension is the encoder's."
    )
    probabilities: dict[str, float] = _Probabilities
    label: str = _Label
    predicted: str = _Predicted
    split: Split = _Split


class ExperimentList(Answer):
    """All experiments on one split, and the best of them."""

    preset: str = Field(description="The set of experiments that was run, such as `quick`.")
    classes: tuple[str, ...] = Field(description="All classes, in the order of the network.")
    train: int = Field(description="Photographs to learn from, those for tuning included.")
    tuning: int = Field(description="Photographs of these held out for early stopping and choices.")
    validation: int = Field(description="Photographs of the validation set.")
    best: str = Field(description="The experiment that is published.")
    experiments: tuple[ExperimentSummary, ...] = Field(description="One line per experiment.")
    random_split: tuple[ExperimentSummary, ...] = Field(
        description="Some experiments anew under a split that takes no account of photographers."
    )


class Experiment(ExperimentReport, Answer):
    """Everything kept of one experiment: curves, confusion matrix, per-class figures."""


class Misclassification(FrozenModel):
    """A validation photograph that the published network gets wrong."""

    id: str = _Id
    label: str = _Label
    predicted: str = _Predicted
    probabilities: dict[str, float] = _Probabilities
    true_probability: float = Field(description="Probability of the true class, 0-1.")
    image: str = _Image
    heatmap: str | None = Field(
        description="Path of a JPEG file that shows what speaks for the prediction (Grad-CAM); "
        "null where the release has none."
    )
    nearest: tuple[Neighbor, ...] = Field(description="The three nearest training photographs.")
    attribution: Attribution | None = _Attribution


class ErrorList(Answer):
    """The misclassified validation photographs."""

    errors: tuple[Misclassification, ...] = Field(
        description="Worst first: the least probability for the true class."
    )
    total: int = Field(description="All misclassified validation photographs.")


class LikelyLabelError(FrozenModel):
    """A photograph whose label is likely wrong."""

    id: str = _Id
    label: str = _Label
    suggested: str = Field(description="The class that it more likely shows.")
    label_probability: float = Field(description="Of its label, 0-1, judged out of fold.")
    suggested_probability: float = Field(description="Of the class suggested, by the same.")
    split: Split = _Split
    image: str = _Image
    attribution: Attribution | None = _Attribution


class LabelIssueList(Answer):
    """Photographs whose label is likely wrong."""

    issues: tuple[LikelyLabelError, ...] = Field(description="The least believable label first.")
    total: int = Field(description="All that were found.")


class CalibrationReport(Answer):
    """How far the probabilities, the sets and typicality can be trusted."""

    calibration: Calibration = Field(description="Of the probabilities.")
    sets: PredictionSets = Field(description="Of the prediction sets.")
    typicality: Typicality = Field(description="What typicality is measured by.")


class Liveness(FrozenModel):
    """The process answers."""

    status: Literal["alive"] = Field(description="Always `alive`.")
    release: str | None = Field(description="Fingerprint of the release; null where none serves.")


class Readiness(Answer):
    """The release is verified, its photographs can be read and a real inference worked."""

    status: Literal["ready"] = Field(description="Always `ready`; otherwise the status is 503.")
    data: str = Field(description="The collection served, such as `generated scenes`.")
    photographs: int = Field(description="Photographs in the release.")
    classes: tuple[str, ...] = Field(description="All classes, in the order of the network.")
    network: str = Field(description="The experiment whose network is published.")
    refused: str | None = Field(
        description="Why a newer release is not served in its place; null where there is none."
    )
