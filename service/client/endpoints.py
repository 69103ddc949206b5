"""The calls of the service as data: what is sent, and how its answer is read.

A photograph is given either as `id` (stored) or as `image` (the bytes of a file).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

from embeddings.store.records import Split
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
    heatmap_path,
    image_path,
)

Result = TypeVar("Result")
Model = TypeVar("Model", bound=BaseModel)
Parameter = str | int | Sequence[str]


@dataclass(frozen=True)
class Call(Generic[Result]):
    """One request to the service; nothing is sent by making it."""

    method: Literal["GET", "POST"]
    path: str
    """Percent-encoded."""
    read: Callable[[bytes], Result]
    """Makes the result of the answer's body; raises `pydantic.ValidationError`."""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    body: bytes | None = None


def ready() -> Call[Readiness]:
    """Which release is served."""
    return _get(Readiness, "/readyz")


def predict(id: str | None = None, *, image: bytes | None = None) -> Call[Prediction]:
    """The class of a photograph."""
    return _about(Prediction, "/predict", id, image)


def neighbors(
    id: str | None = None,
    *,
    image: bytes | None = None,
    k: int = 3,
    label: str | None = None,
    split: Split | None = None,
) -> Call[Neighborhood]:
    """The stored photographs nearest to a photograph."""
    return _about(Neighborhood, "/neighbors", id, image, k=k, label=label, split=split)


def tsne(n: int = 500, seed: int | None = None) -> Call[Map]:
    """Photographs drawn at random, on a t-SNE map; the release's own without a seed."""
    return _get(Map, "/tsne", n=n, seed=seed)


def place(image: bytes) -> Call[Placement]:
    """Where an image belongs on the release's map."""
    return _about(Placement, "/tsne", None, image)


def images(
    ids: str | Sequence[str] | None = None,
    *,
    label: str | None = None,
    split: Split | None = None,
    limit: int | None = None,
    offset: int = 0,
) -> Call[ImageList]:
    """A page of 50 stored photographs, or of `limit`; with ids, these photographs."""
    if ids is not None and len(ids) == 0:
        raise ValueError("Give at least one id; without `ids` all photographs are listed.")
    return _get(ImageList, "/images", id=ids, label=label, split=split, limit=limit, offset=offset)


def random_image(*, label: str | None = None, split: Split | None = None) -> Call[Image]:
    """One stored photograph, another one at each call."""
    return _get(Image, "/images/random", label=label, split=split)


def image(id: str) -> Call[bytes]:
    """The JPEG file of a stored photograph."""
    return Call("GET", image_path(id), bytes)


def thumbnail(id: str) -> Call[bytes]:
    """The small JPEG file of a stored photograph."""
    return Call("GET", f"{image_path(id)}/thumbnail", bytes)


def features(id: str) -> Call[Features]:
    """What the feature store holds of a photograph."""
    return _get(Features, "/features", id=id)


def experiments() -> Call[ExperimentList]:
    """The comparison of all experiments."""
    return _get(ExperimentList, "/experiments")


def experiment(name: str) -> Call[Experiment]:
    """Everything kept of one experiment."""
    return _get(Experiment, f"/experiments/{quote(name)}")


def errors(limit: int = 20) -> Call[ErrorList]:
    """The misclassified validation photographs, worst first."""
    return _get(ErrorList, "/errors", limit=limit)


def heatmap(id: str) -> Call[bytes]:
    """A JPEG file of an error with what speaks for the wrong prediction."""
    return Call("GET", heatmap_path(id), bytes)


def label_issues(limit: int = 20) -> Call[LabelIssueList]:
    """Photographs whose label is likely wrong, the least believable first."""
    return _get(LabelIssueList, "/labels/issues", limit=limit)


def calibration() -> Call[CalibrationReport]:
    """How far the answers can be trusted."""
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
        raise ValueError("Give either the id of a stored photograph or an image.")
    if image is None:
        return _get(model, path, id=identifier, **parameters)
    return Call("POST", path, model.model_validate_json, _given(parameters), image)


def _given(parameters: Mapping[str, Parameter | None]) -> dict[str, Parameter]:
    return {name: value for name, value in parameters.items() if value is not None}
