"""`python -m service.api_documents`: write docs/openapi.json and docs/problems.md."""

import json
from collections.abc import Iterator
from pathlib import Path

from embeddings.atomic import atomic_write
from service.api.openapi import OF_SCENES, with_examples
from service.app import create_api
from service.client.errors import PROBLEM_ERRORS
from service.metrics import Metrics
from service.problems import PROBLEMS
from service.settings import ServiceSettings

_DOCS = Path(__file__).resolve().parents[1] / "docs"
OPENAPI_FILE = _DOCS / "openapi.json"
PROBLEMS_PAGE = _DOCS / "problems.md"


def openapi_file() -> str:
    """Return the text of docs/openapi.json, with examples of the generated scenes."""
    description = create_api(ServiceSettings(), Metrics()).openapi()
    described = with_examples(description, OF_SCENES)
    return json.dumps(described, ensure_ascii=False, indent=2) + "\n"


def problems_page() -> str:
    """Return the text of docs/problems.md."""
    return "\n".join(_problem_lines()) + "\n"


def _problem_lines() -> Iterator[str]:
    yield from (
        "# Problem types",
        "",
        "Every error response is `application/problem+json` (RFC 9457). Its `type` is one of the",
        "URIs below, its `detail` a sentence for the user. The URIs are names and not addresses.",
        "Later versions may add types; a client treats an unknown type by its status. The Python",
        "clients raise the exception in the last column, a subclass of `ServiceError`.",
        "",
        "`make api` writes this page from `service/problems.py`.",
        "",
        "| type | status | cause | remedy | exception |",
        "| --- | --- | --- | --- | --- |",
    )
    for kind, problem in PROBLEMS.items():
        cells = (
            f"`{kind}`",
            str(problem.status),
            problem.cause,
            problem.remedy,
            f"`{PROBLEM_ERRORS[kind].__name__}`",
        )
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    atomic_write(OPENAPI_FILE, openapi_file())
    atomic_write(PROBLEMS_PAGE, problems_page())
