"""A typed client of the service: its answers as objects, its errors as exceptions."""

from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from embeddings.photographs import Split
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
    Problem,
    Readiness,
    heatmap_path,
    image_path,
)

Model = TypeVar("Model", bound=BaseModel)
Parameter = str | int | None

_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
"""Fitting a map takes seconds."""


class ServiceError(RuntimeError):
    """The service did not answer as asked; the message says what to do."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        """The HTTP status; None where no answer came."""


class Client:
    """Calls a service at `base_url`; every method raises `ServiceError` where it cannot answer.

    A photograph is given either as `id` (stored) or as `image` (the bytes of a file).
    """

    def __init__(self, base_url: str = "http://127.0.0.1:8000") -> None:
        # What a proxy is set for lies elsewhere.
        self._http = httpx.Client(base_url=base_url, timeout=_TIMEOUT, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def ready(self) -> Readiness:
        """Which release is served."""
        return self._get(Readiness, "/readyz")

    def predict(self, id: str | None = None, *, image: bytes | None = None) -> Prediction:
        """The class of a photograph."""
        return self._about(Prediction, "/predict", id, image)

    def neighbors(
        self,
        id: str | None = None,
        *,
        image: bytes | None = None,
        k: int = 3,
        label: str | None = None,
        split: Split | None = None,
    ) -> Neighborhood:
        """The stored photographs nearest to a photograph."""
        return self._about(Neighborhood, "/neighbors", id, image, k=k, label=label, split=split)

    def tsne(self, n: int = 500, seed: int = 0) -> Map:
        """Photographs drawn at random, on a t-SNE map."""
        return self._get(Map, "/tsne", n=n, seed=seed)

    def place(self, image: bytes) -> Placement:
        """Where an image belongs on the release's map."""
        return self._about(Placement, "/tsne", None, image)

    def images(
        self,
        *,
        label: str | None = None,
        split: Split | None = None,
        limit: int = 50,
        offset: int = 0,
    ) -> ImageList:
        """A page of the stored photographs."""
        return self._get(ImageList, "/images", label=label, split=split, limit=limit, offset=offset)

    def random_image(self, *, label: str | None = None, split: Split | None = None) -> Image:
        """One stored photograph, another one at each call."""
        return self._get(Image, "/images/random", label=label, split=split)

    def image(self, id: str) -> bytes:
        """The JPEG file of a stored photograph."""
        return self._request("GET", image_path(id)).content

    def thumbnail(self, id: str) -> bytes:
        """The small JPEG file of a stored photograph."""
        return self._request("GET", f"{image_path(id)}/thumbnail").content

    def features(self, id: str) -> Features:
        """What the feature store holds of a photograph."""
        return self._get(Features, "/features", id=id)

    def experiments(self) -> ExperimentList:
        """The comparison of all experiments."""
        return self._get(ExperimentList, "/experiments")

    def experiment(self, name: str) -> Experiment:
        """Everything kept of one experiment."""
        return self._get(Experiment, f"/experiments/{quote(name)}")

    def errors(self, limit: int = 20) -> ErrorList:
        """The misclassified validation photographs, worst first."""
        return self._get(ErrorList, "/errors", limit=limit)

    def heatmap(self, id: str) -> bytes:
        """A JPEG file of an error with what speaks for the wrong prediction."""
        return self._request("GET", heatmap_path(id)).content

    def label_issues(self, limit: int = 20) -> LabelIssueList:
        """Photographs whose label is likely wrong, the least believable first."""
        return self._get(LabelIssueList, "/labels/issues", limit=limit)

    def calibration(self) -> CalibrationReport:
        """How far the answers can be trusted."""
        return self._get(CalibrationReport, "/calibration")

    def _get(self, model: type[Model], path: str, **parameters: Parameter) -> Model:
        return model.model_validate_json(self._request("GET", path, None, **parameters).content)

    def _about(
        self,
        model: type[Model],
        path: str,
        identifier: str | None,
        image: bytes | None,
        **parameters: Parameter,
    ) -> Model:
        if (identifier is None) == (image is None):
            raise ValueError("Give either the id of a stored photograph or an image.")
        if image is None:
            return self._get(model, path, id=identifier, **parameters)
        answer = self._request("POST", path, image, **parameters)
        return model.model_validate_json(answer.content)

    def _request(
        self, method: str, path: str, body: bytes | None = None, **parameters: Parameter
    ) -> httpx.Response:
        given = {name: value for name, value in parameters.items() if value is not None}
        try:
            answer = self._http.request(method, path, params=given, content=body)
        except httpx.TransportError as error:
            raise ServiceError(
                f"The service at {self._http.base_url} does not answer ({error}); "
                "start it with `belvedere serve`."
            ) from error
        if not answer.is_success:
            raise ServiceError(_sentence(answer), answer.status_code)
        return answer


def _sentence(answer: httpx.Response) -> str:
    try:
        return Problem.model_validate_json(answer.content).detail
    except ValidationError:
        return f"{answer.request.url} answered {answer.status_code}; is this the right service?"
