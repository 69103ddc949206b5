"""`python -m service.api`: write docs/problems.md from the problem types."""

from collections.abc import Iterator
from pathlib import Path

from embeddings.atomic import atomic_write
from service.client.errors import PROBLEM_ERRORS
from service.problems import PROBLEMS

_DOCS = Path(__file__).resolve().parents[2] / "docs"
PROBLEMS_PAGE = _DOCS / "problems.md"


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
    atomic_write(PROBLEMS_PAGE, problems_page())
