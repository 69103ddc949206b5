"""JSON responses of the service."""

from typing import Literal
from urllib.parse import quote

from pydantic import Field

from embeddings.frozen_model import FrozenModel
from embeddings.index import SearchKind
from embeddings.release.reports import ExperimentReport, ExperimentSummary
from embeddings.release.uncertainty import Calibration, PredictionSets, Typicality
from embeddings.store.attribution import Attribution
from embeddings.store.split import Split
from service.problems import PROBLEMS, ProblemType, title_of

API_KEY_HEADER = "X-API-Key"
"""Request header for the API key."""

_FIRST_PROBLEM = next(iter(ProblemType))

_Id = Field(description="Id of the image.")
_Label = Field(description="Class assigned to the image.")
_StoredLabel = Field(description="Class assigned to the image; null for an image without a label.")
_Predicted = Field(description="Most probable class according to the served model.")
_Split = Field(description="Part of the data: `train` or `validation`.")
_Probabilities = Field(description="Probability of each class, 0–1; the sum is 1.")
_Attribution = Field(
    description="Attribution to show with the image; null if its photographer is unknown."
)
_Image = Field(description="Path of the image's JPEG file at this service.")


def heatmap_path(identifier: str) -> str:
    """Return the path of the heat map of a misclassified image, percent-encoded."""
    return f"/errors/{quote(identifier)}/heatmap"


def image_path(identifier: str) -> str:
    """Return the path of an image's JPEG file, percent-encoded."""
    return f"/images/{quote(identifier)}"


class Answer(FrozenModel):
    """Fields of every JSON response."""

    release: str = Field(description="Fingerprint of the release that the response comes from.")


class Problem(FrozenModel):
    """Error response in the format of RFC 9457."""

    type: str = Field(
        "about:blank",
        description="Problem type as a URI; later versions may add types.",
        examples=list(ProblemType),
    )
    title: str = Field(description="Name of the problem type.", examples=[title_of(_FIRST_PROBLEM)])
    status: int = Field(description="HTTP status.", examples=[PROBLEMS[_FIRST_PROBLEM].status])
    detail: str = Field(description="Cause of the problem and its remedy.")
    release: str | None = Field(
        None, description="Fingerprint of the served release; absent if none is served."
    )


class Prediction(Answer):
    """Prediction for one image."""

    label: str = Field(description="Most probable class.")
    probabilities: dict[str, float] = _Probabilities
    set: tuple[str, ...] = Field(
        description="Classes that cannot be excluded, the most probable first; the set contains "
        "the true class for about 90 of 100 images. Empty if every class is too improbable."
    )
    typicality: float = Field(
        description="Share of validation images, 0–1, that are farther from the training images; a "
        "value near 0 means that the image is unlike the training images."
    )


class Query(FrozenModel):
    """Image for which neighbours were requested."""

    id: str | None = Field(description="Id of the stored image; null for an uploaded one.")


class Neighbor(FrozenModel):
    """Stored image near the query."""

    id: str = _Id
    label: str | None = _StoredLabel
    split: Split = _Split
    distance: float = Field(
        description="Euclidean distance between the two embeddings, without unit."
    )
    image: str = _Image
    attribution: Attribution | None = _Attribution


class Neighborhood(Answer):
    """Stored images with the embeddings nearest to the query's, without the query itself."""

    query: Query = Field(description="Image for which neighbours were requested.")
    k: int = Field(description="Requested number; fewer are returned if there are no more.")
    metric: Literal["euclidean"] = Field(description="Distance measure.")
    index: SearchKind = Field(
        description="Kind of the search: `flat` compares all images, `hnsw` follows a graph, `ivf` "
        "compares the images of the nearest clusters."
    )
    exact: bool = Field(description="True if no nearer image can have been missed.")
    neighbors: tuple[Neighbor, ...] = Field(description="Neighbours by distance, then by id.")


class MapPoint(FrozenModel):
    """Stored image on the map."""

    id: str = _Id
    label: str | None = _StoredLabel
    predicted: str = _Predicted
    split: Split = _Split
    x: float = Field(description="Horizontal coordinate, without unit.")
    y: float = Field(description="Vertical coordinate, without unit.")


class Map(Answer):
    """t-SNE map, on which images with similar embeddings are close."""

    points: tuple[MapPoint, ...] = Field(description="Sampled images in the order of sampling.")


class Point(FrozenModel):
    """Position on the map of the release."""

    x: float = Field(description="Horizontal coordinate, without unit.")
    y: float = Field(description="Vertical coordinate, without unit.")


class Placement(Answer):
    """Position of an uploaded image on the map of the release."""

    point: Point = Field(description="Position in the coordinates of the map.")


class ImageRecord(FrozenModel):
    """Metadata of a stored image."""

    id: str = _Id
    label: str | None = _StoredLabel
    split: Split = _Split
    width: int = Field(description="Width in pixels after the EXIF rotation.")
    height: int = Field(description="Height in pixels after the EXIF rotation.")
    attribution: Attribution | None = _Attribution


class ImageList(Answer):
    """Page of stored images."""

    images: tuple[ImageRecord, ...] = Field(
        description="Images of this page, in the order of the store."
    )
    total: int = Field(description="Number of images that match the filters, on all pages.")


class Image(ImageRecord, Answer):
    """One stored image."""


class Features(Answer):
    """Embedding and probabilities of a stored image."""

    id: str = _Id
    embedding: tuple[float, ...] = Field(
        description="Output of the model's penultimate layer; the encoder determines its dimension."
    )
    probabilities: dict[str, float] = _Probabilities
    label: str | None = _StoredLabel
    predicted: str = _Predicted
    split: Split = _Split


class ExperimentList(Answer):
    """Comparison of all experiments on one split."""

    preset: str = Field(description="Set of experiments, such as `quick`.")
    classes: tuple[str, ...] = Field(
        description="All classes, in the order of the model's outputs."
    )
    train: int = Field(description="Number of training images, including the tuning part.")
    tuning: int = Field(
        description="Number of training images reserved for early stopping and selection."
    )
    validation: int = Field(description="Number of validation images.")
    best: str = Field(description="Name of the published experiment.")
    experiments: tuple[ExperimentSummary, ...] = Field(description="Summaries of all experiments.")
    random_split: tuple[ExperimentSummary, ...] = Field(
        description="Some experiments repeated on a random split, which ignores photographers."
    )


class Experiment(ExperimentReport, Answer):
    """Full report of one experiment: curves, confusion matrix, figures by class."""


class Misclassification(FrozenModel):
    """Validation image that the served model misclassifies."""

    id: str = _Id
    label: str = _Label
    predicted: str = _Predicted
    probabilities: dict[str, float] = _Probabilities
    true_probability: float = Field(description="Probability of the true class, 0–1.")
    image: str = _Image
    heatmap: str | None = Field(
        description="Path of a JPEG file that highlights the regions in favour of the prediction "
        "(Grad-CAM); null if the release has none."
    )
    nearest: tuple[Neighbor, ...] = Field(description="The three nearest training images.")
    attribution: Attribution | None = _Attribution


class ErrorList(Answer):
    """Misclassified validation images."""

    errors: tuple[Misclassification, ...] = Field(
        description="Sorted by the probability of the true class, lowest first."
    )
    total: int = Field(description="Number of all misclassified validation images.")


class LikelyLabelError(FrozenModel):
    """Image with a likely label error."""

    id: str = _Id
    label: str = _Label
    suggested: str = Field(description="More probable class.")
    label_probability: float = Field(description="Out-of-fold probability of the label, 0–1.")
    suggested_probability: float = Field(
        description="Out-of-fold probability of the suggested class, 0–1."
    )
    split: Split = _Split
    image: str = _Image
    attribution: Attribution | None = _Attribution


class LabelIssueList(Answer):
    """Images with a likely label error."""

    issues: tuple[LikelyLabelError, ...] = Field(
        description="Sorted by likelihood, the most likely error first."
    )
    total: int = Field(description="Number of all likely label errors.")


class CalibrationReport(Answer):
    """Calibration, prediction sets and typicality of the served model."""

    calibration: Calibration = Field(description="Calibration of the probabilities.")
    sets: PredictionSets = Field(description="Threshold and coverage of prediction sets.")
    typicality: Typicality = Field(description="Distances behind the typicality.")


class Liveness(FrozenModel):
    """Liveness of the process."""

    status: Literal["alive"] = Field(description="Always `alive`.")
    release: str | None = Field(
        description="Fingerprint of the served release; null if there is none."
    )


class Readiness(Answer):
    """Readiness: the release is verified, its images are readable, and an inference succeeded."""

    status: Literal["ready"] = Field(
        description="Always `ready`; otherwise the response is a problem with status 503."
    )
    data: str = Field(description="Name of the collection, such as `generated scenes`.")
    photographs: int = Field(description="Number of images in the release.")
    classes: tuple[str, ...] = Field(
        description="All classes, in the order of the model's outputs."
    )
    network: str = Field(description="Name of the published experiment.")
    refused: str | None = Field(
        description="Reason why a newer release is not served; null if there is no newer one."
    )
