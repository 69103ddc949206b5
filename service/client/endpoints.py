"""Calls of the service as data: request and parser of the response.

An image is given either as `id` (stored) or as `image` (the bytes of a file).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

from embeddings.store.split import Split
from service.schemas import (
    CalibrationReport,
    ErrorList,
    Experiment,
    ExperimentList,
    Features,
    Image,
    ImageList,
    LabelIssueList,
    Map,
    Neighborhood,
    Placement,
    Prediction,
    Readiness,
    VersionDifference,
    VersionList,
    heatmap_path,
    image_path,
)

Result = TypeVar("Result")
Model = TypeVar("Model", bound=BaseModel)
Parameter = str | int | Sequence[str]


@dataclass(frozen=True)
class Call(Generic[Result]):
    """Request to the service, which `Client.send` sends."""

    method: Literal["GET", "POST"]
    path: str
    """Percent-encoded."""
    read: Callable[[bytes], Result]
    """Parser of the response body; raises `pydantic.ValidationError`."""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    body: bytes | None = None


def ready() -> Call[Readiness]:
    """Return the served release, if the service is ready."""
    return _get(Readiness, "/readyz")


def predict(id: str | None = None, *, image: bytes | None = None) -> Call[Prediction]:
    """Return the predicted class of an image."""
    return _about(Prediction, "/predict", id, image)


def neighbors(
    id: str | None = None,
    *,
    image: bytes | None = None,
    k: int = 3,
    label: str | None = None,
    split: Split | None = None,
) -> Call[Neighborhood]:
    """Return the `k` stored images nearest to an image."""
    return _about(Neighborhood, "/neighbors", id, image, k=k, label=label, split=split)


def tsne(n: int = 500, seed: int | None = None) -> Call[Map]:
    """Return a t-SNE map of `n` random images; by default the map of the release."""
    return _get(Map, "/tsne", n=n, seed=seed)


def place(image: bytes) -> Call[Placement]:
    """Return the position of an image on the map of the release."""
    return _about(Placement, "/tsne", None, image)


def images(
    ids: str | Sequence[str] | None = None,
    *,
    label: str | None = None,
    split: Split | None = None,
    limit: int | None = None,
    offset: int = 0,
    at: str | int | None = None,
) -> Call[ImageList]:
    """Return a page of stored images: of 50 or `limit` images, or all images with these ids.

    `at` is a tag or revision of `versions`; by default the images of the release are listed.
    """
    if ids is not None and len(ids) == 0:
        raise ValueError("Give at least one id; without `ids` all images are listed.")
    return _get(
        ImageList,
        "/images",
        id=ids,
        label=label,
        split=split,
        limit=limit,
        offset=offset,
        at=at,
    )


def random_image(*, label: str | None = None, split: Split | None = None) -> Call[Image]:
    """Return a random stored image."""
    return _get(Image, "/images/random", label=label, split=split)


def image(id: str) -> Call[bytes]:
    """Return the JPEG file of a stored image."""
    return Call("GET", image_path(id), bytes)


def thumbnail(id: str) -> Call[bytes]:
    """Return the thumbnail of a stored image, a JPEG file."""
    return Call("GET", f"{image_path(id)}/thumbnail", bytes)


def features(id: str, at: str | int | None = None) -> Call[Features]:
    """Return embedding and probabilities of a stored image, of its file at a dataset version.

    `at` is a tag or revision of `versions`; by default it is that of the release.
    """
    return _get(Features, "/features", id=id, at=at)


def versions(limit: int = 100, offset: int = 0) -> Call[VersionList]:
    """Return the dataset versions of the feature store, newest first."""
    return _get(VersionList, "/versions", limit=limit, offset=offset)


def diff(
    a: str | int, b: str | int, *, limit: int = 100, offset: int = 0
) -> Call[VersionDifference]:
    """Return the difference between two dataset versions, given by tag or revision.

    Each list has at most `limit` ids; `total` counts all of them.
    """
    return _get(VersionDifference, "/versions/diff", a=a, b=b, limit=limit, offset=offset)


def experiments() -> Call[ExperimentList]:
    """Return the comparison of all experiments."""
    return _get(ExperimentList, "/experiments")


def experiment(name: str) -> Call[Experiment]:
    """Return the full report of one experiment."""
    return _get(Experiment, f"/experiments/{quote(name)}")


def errors(limit: int = 20) -> Call[ErrorList]:
    """Return the misclassified validation images, worst first."""
    return _get(ErrorList, "/errors", limit=limit)


def heatmap(id: str) -> Call[bytes]:
    """Return the heat map (Grad-CAM) of a misclassified image, a JPEG file."""
    return Call("GET", heatmap_path(id), bytes)


def label_issues(limit: int = 20) -> Call[LabelIssueList]:
    """Return the images with a likely label error, the most likely first."""
    return _get(LabelIssueList, "/labels/issues", limit=limit)


def calibration() -> Call[CalibrationReport]:
    """Return calibration, prediction sets and typicality of the model."""
    return _get(CalibrationReport, "/calibration")


def _get(model: type[Model], path: str, **parameters: Parameter | None) -> Call[Model]:
    return Call("GET", path, model.model_validate_json, _given(parameters))


def _about(
    model: type[Model],
    path: str,
    identifier: str | None,
    image: bytes | None,
    **parameters: Parameter | None,
) -> Call[Model]:
    if (identifier is None) == (image is None):
        raise ValueError("Give either the id of a stored image or an image.")
    if image is None:
        return _get(model, path, id=identifier, **parameters)
    return Call("POST", path, model.model_validate_json, _given(parameters), image)


def _given(parameters: Mapping[str, Parameter | None]) -> dict[str, Parameter]:
    return {name: value for name, value in parameters.items() if value is not None}
