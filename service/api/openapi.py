"""The OpenAPI description: what the code cannot say of itself, and examples that work."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from service.schemas import Problem
from service.serving.served_release import ServedRelease

Description = dict[str, Any]
"""An OpenAPI description as a JSON object."""

TEXT = """\
Labelled photographs, the network that recognises them best, and what it makes of them.

Every JSON answer carries `release`, the fingerprint of the release that it comes from. A photograph
is named by its `id`, its path in the data set without the extension; `GET /images` lists all of
them. Shares and probabilities are numbers in 0–1, distances are Euclidean, times are in seconds
where nothing else is said.

`HEAD` is answered wherever `GET` is, with the same status and headers and without a body.

Errors are `application/problem+json` (RFC 9457); their `detail` is a sentence that says what to do.
Calls that cost ask for a key in the header `X-API-Key` where the service was started with one.
"""

TAGS = [
    {"name": "prediction", "description": "Which class a photograph shows, and how sure that is."},
    {"name": "neighbours", "description": "The stored photographs most like another one."},
    {"name": "map", "description": "A t-SNE map of the embeddings: what looks alike lies close."},
    {"name": "photographs", "description": "The stored photographs: records and files."},
    {"name": "features", "description": "What the network makes of stored photographs."},
    {"name": "experiments", "description": "The networks that were trained and compared."},
    {"name": "errors", "description": "What to doubt: in the network, the labels, the answers."},
    {"name": "health", "description": "How the service is doing. These calls never wait."},
]

_HEATMAP = "/errors/{id}/heatmap"
_LIST = "/images"
FEW = {"limit": 2, "n": 3}
"""Parameters that keep the answers to examples short enough to be read."""


@dataclass(frozen=True)
class Examples:
    """Values of parameters that exist in a release."""

    id: str
    label: str
    split: str
    error: str
    """Id of a photograph that the network gets wrong."""
    experiment: str
    map_seed: int = 0

    def of(self, path: str, parameter: Description) -> object:
        """An example of a parameter; None where there is nothing to show."""
        name = parameter["name"]
        if (path, name) == (_LIST, "id"):
            return [self.id]
        values = {
            "id": self.error if path == _HEATMAP else self.id,
            "label": self.label,
            "split": self.split,
            "name": self.experiment,
            "seed": self.map_seed,
            **FEW,
        }
        return values.get(name, parameter["schema"].get("default"))


OF_SCENES = Examples("lake/lake_0000", "lake", "train", "lake/lake_0000", "baseline")
"""What the generated scenes have, for where no release is served."""


def examples_of(served: ServedRelease) -> Examples:
    """Examples that work while this release is served."""
    release = served.release
    errors = [error.id for error in release.errors if error.heat]
    shown = release.images[release.rows[errors[0]] if errors else 0]
    return Examples(
        id=shown.id,
        label=shown.label,
        split=shown.split,
        error=shown.id,
        experiment=release.comparison.best,
        map_seed=served.manifest.map_seed,
    )


def completed(description: Description) -> Description:
    """The description with the form of errors, and with a sentence for every answer."""
    schemas = description["components"]["schemas"]
    schemas[Problem.__name__] = Problem.model_json_schema()
    for calls in description["paths"].values():
        for operation in calls.values():
            _describe_answer(operation["responses"]["200"], schemas)
    return description


def with_examples(description: Description, examples: Examples) -> Description:
    """A copy of the description in which parameters have these examples."""
    copy = deepcopy(description)
    for path, calls in copy["paths"].items():
        for operation in calls.values():
            for parameter in operation.get("parameters", ()):
                value = examples.of(path, parameter)
                if value is not None:
                    parameter["example"] = value
    return copy


def _describe_answer(response: Description, schemas: Description) -> None:
    for content in response.get("content", {}).values():
        reference = content.get("schema", {}).get("$ref")
        if reference:
            response["description"] = schemas[reference.rsplit("/", 1)[1]]["description"]
