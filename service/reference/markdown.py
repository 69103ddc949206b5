"""The reference as Markdown."""

import re
from collections.abc import Iterable, Iterator, Sequence

from service.reference.curl import curl
from service.reference.structure import Field, Kind, Operation, Record, Reference

_ADDRESS = "http://localhost:8000"
_ERRORS = "What errors mean"
_RECORDS = "Records within answers"


def markdown(reference: Reference) -> str:
    """The whole reference as one Markdown document."""
    return "\n\n".join(_parts(reference)) + "\n"


def _parts(reference: Reference) -> Iterator[str]:
    yield f"# {reference.title}: the calls"
    yield from reference.paragraphs
    yield (
        "This page is made from the OpenAPI description by `make api`. A running service shows it "
        "at `/docs`, with examples of its own photographs, and the description at `/openapi.json`."
    )
    yield _contents(reference)
    for group in reference.groups:
        yield f"## {group.name.capitalize()}"
        yield group.description
        for operation in group.operations:
            yield from _operation(operation)
    yield f"## {_ERRORS}"
    yield "Every error is a problem with these fields:"
    yield _fields(reference.problem)
    yield _table(("status", "when"), ((_status(code), text) for code, text in reference.errors))
    yield f"## {_RECORDS}"
    for record in reference.records:
        yield f"### {record.name}"
        yield record.description
        yield _fields(record)


def _contents(reference: Reference) -> str:
    rows = (
        (
            f"[`{operation.method} {operation.path}`]({_anchor(operation.summary)})",
            operation.summary,
        )
        for group in reference.groups
        for operation in group.operations
    )
    return _table(("call", "what"), rows)


def _operation(operation: Operation) -> Iterator[str]:
    yield f"### {operation.summary}"
    yield f"`{operation.method} {operation.path}`"
    yield operation.description
    if operation.guarded:
        yield "Asks for the key of the service, where it has one."
    if operation.parameters:
        yield _parameters(operation.parameters)
    if operation.body is not None:
        kinds = ", ".join(f"`{kind}`" for kind in operation.body.media_types)
        yield f"**Body:** {operation.body.description} {kinds}."
    yield f"```sh\n{curl(operation, _ADDRESS)}\n```"
    yield _answer(operation)
    if operation.answer.record is not None:
        yield _fields(operation.answer.record)
    errors = ", ".join(code for code in operation.errors if code != "default")
    if errors:
        yield f"**Errors:** [{errors}]({_anchor(_ERRORS)})"


def _answer(operation: Operation) -> str:
    kinds = ", ".join(f"`{kind}`" for kind in operation.answer.media_types)
    return f"**Answer** ({kinds}): {operation.answer.description}"


def _parameters(parameters: Sequence[Field]) -> str:
    rows = (
        (f"`{each.name}`", _kind(each.kind), _given(each), each.description) for each in parameters
    )
    return _table(("parameter", "kind", "default", "what"), rows)


def _given(parameter: Field) -> str:
    if parameter.required:
        return "required"
    return "none" if parameter.default is None else f"`{parameter.default}`"


def _fields(record: Record) -> str:
    rows = ((f"`{each.name}`", _kind(each.kind), each.description) for each in record.fields)
    return _table(("field", "kind", "what"), rows)


def _kind(kind: Kind) -> str:
    return kind.text.format(kind.record and f"[{kind.record}]({_anchor(kind.record)})")


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _status(code: str) -> str:
    return "other" if code == "default" else code


def _anchor(heading: str) -> str:
    """The address that GitHub gives a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.lower())
    return "#" + kept.replace(" ", "-")
