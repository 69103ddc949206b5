"""OpenAPI description: texts, groups of calls, and examples of the served release."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from service.schemas import Problem
from service.serving.served_release import ServedRelease

Description = dict[str, Any]
"""An OpenAPI description as a JSON object."""

TEXT = """\
Image classification, nearest neighbours and a t-SNE map for a collection of labelled images.

Every JSON response has the fields `release`, the fingerprint of the release that it comes from,
and `revision`, the revision of the feature store up to which it contains all changes. Images that
came after the release are in every answer, with `learned: false`. The parameter `min_revision`
asks for an answer that contains a certain revision. An image has an `id`; `GET /images` lists all
images. Probabilities and shares are numbers in 0–1, distances are Euclidean, durations are in
seconds.

Every path that supports `GET` supports `HEAD`, with the same status and headers and no body.

Errors are `application/problem+json` (RFC 9457): `type` identifies the kind of problem, and
`detail` states its cause and its remedy. Expensive calls require an API key in the header
`X-API-Key` if the service has one.
"""

TAGS = [
    {"name": "prediction", "description": "Classes of images, with their uncertainty."},
    {"name": "neighbours", "description": "Stored images nearest to an image."},
    {"name": "map", "description": "t-SNE map of the embeddings; similar images are close."},
    {"name": "images", "description": "Stored images: metadata and files."},
    {"name": "selections", "description": "Saved sets of images and saved filters."},
    {"name": "changes", "description": "Changes of the images, if the service accepts them."},
    {"name": "jobs", "description": "Long changes in the background."},
    {"name": "features", "description": "Embeddings and probabilities of stored images."},
    {"name": "export", "description": "Images with their features as files."},
    {"name": "versions", "description": "Dataset versions of the feature store."},
    {"name": "experiments", "description": "Trained and compared models."},
    {"name": "errors", "description": "Misclassified images, likely label errors, calibration."},
    {"name": "review", "description": "Images to look at: labels, and groups of duplicates."},
    {"name": "health", "description": "Liveness, readiness and metrics; these calls never queue."},
]

_HEATMAP = "/errors/{id}/heatmap"
_LIST = "/images"
_SELECTION = "/selections/{name}"
FEW = {"limit": 2, "n": 3}
"""Parameters that limit the length of example responses."""


@dataclass(frozen=True)
class Examples:
    """Parameter values that exist in a release."""

    id: str
    label: str | None
    split: str
    error: str
    """Id of a misclassified image."""
    experiment: str
    map_seed: int = 0
    training: str = "2"
    """Dataset version that the model learned from."""
    revision: str = "2"
    """Dataset version that the release contains."""

    def of(self, path: str, parameter: Description) -> object:
        """Return an example of a parameter; None if there is none."""
        name = parameter["name"]
        if path == _SELECTION and name == "name":
            return "to check"
        if (path, name) == (_LIST, "id"):
            return [self.id]
        values = {
            "id": self.error if path == _HEATMAP else self.id,
            "label": self.label,
            "split": self.split,
            "name": self.experiment,
            "seed": self.map_seed,
            "a": self.training,
            "b": self.revision,
            "at": self.revision,
            "since": int(self.revision),
            "box": "0.25,0.25,0.5,0.5",
            **FEW,
        }
        value = values.get(name, parameter["schema"].get("default"))
        return [value] if value and parameter["schema"].get("type") == "array" else value


OF_SCENES = Examples("lake/lake_0000", "lake", "train", "lake/lake_0000", "baseline")
"""Examples of the generated scenes, used if no release is served."""


def examples_of(served: ServedRelease) -> Examples:
    """Return examples of this release."""
    release, live = served.release, served.live
    if not served.count:
        return OF_SCENES
    errors = [error.id for error in release.errors if error.heat]
    rows = [row for row in map(live.row, errors) if row is not None]
    shown = live.record(rows[0] if rows else int(live.ids_in_order()[0]))
    return Examples(
        id=shown.id,
        label=shown.label,
        split=shown.split,
        error=shown.id,
        experiment=release.comparison.best,
        map_seed=served.manifest.map_seed,
        training=served.manifest.training.version,
        revision=str(release.manifest.data.revision),
    )


def completed(description: Description) -> Description:
    """Return the description with the schema of problems and a sentence for every response."""
    schemas = description["components"]["schemas"]
    schemas[Problem.__name__] = Problem.model_json_schema()
    for calls in description["paths"].values():
        for operation in calls.values():
            for status, response in operation["responses"].items():
                if status.startswith("2"):
                    _describe_answer(response, schemas)
    return description


def with_examples(description: Description, examples: Examples) -> Description:
    """Return a copy of the description with these examples of parameters."""
    copy = deepcopy(description)
    for path, calls in copy["paths"].items():
        for operation in calls.values():
            for parameter in operation.get("parameters", ()):
                value = examples.of(path, parameter)
                if value is not None:
                    parameter["example"] = value
    bodies = {
        "/search": {"like": [examples.id], "k": 3},
        "/export": {"ids": [examples.id], "format": "csv"},
    }
    for path, example in bodies.items():
        body = copy["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        body["example"] = example
    return copy


def _describe_answer(response: Description, schemas: Description) -> None:
    for content in response.get("content", {}).values():
        reference = content.get("schema", {}).get("$ref")
        if reference:
            response["description"] = schemas[reference.rsplit("/", 1)[1]]["description"]
