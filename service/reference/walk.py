"""From the OpenAPI description to the reference's structure."""

from collections.abc import Iterator, Mapping
from urllib.parse import quote, urlencode

from service.api.openapi import FEW, Description
from service.reference.kinds import kind_of, parameter_kind, referred
from service.reference.structure import (
    Answer,
    Body,
    Field,
    Group,
    Operation,
    Record,
    Reference,
)
from service.schemas import Problem

_FIRST_ERROR = "400"


def reference_of(description: Description) -> Reference:
    """The reference of all calls that a description lists."""
    schemas = description["components"]["schemas"]
    records = {name: _record(name, schema, schemas) for name, schema in schemas.items()}
    operations = [
        (call["tags"][0], _operation(path, method, call, records))
        for path, calls in description["paths"].items()
        for method, call in calls.items()
    ]
    groups = tuple(
        Group(
            tag["name"],
            tag["description"],
            tuple(operation for name, operation in operations if name == tag["name"]),
        )
        for tag in description["tags"]
    )
    return Reference(
        title=description["info"]["title"],
        paragraphs=_paragraphs(description["info"]["description"]),
        groups=groups,
        records=_within_answers([operation for _, operation in operations], records),
        problem=records[Problem.__name__],
        errors=_errors(description),
    )


def _operation(
    path: str, method: str, call: Description, records: Mapping[str, Record]
) -> Operation:
    parameters = call.get("parameters", [])
    return Operation(
        name=call["operationId"],
        method=method.upper(),
        path=path,
        summary=call["summary"],
        description=call["description"],
        guarded=bool(call.get("security")),
        parameters=tuple(sorted(map(_parameter, parameters), key=lambda each: not each.required)),
        body=_body(call["requestBody"]) if "requestBody" in call else None,
        answer=_answer(call["responses"]["200"], records),
        errors=tuple(status for status in call["responses"] if status >= _FIRST_ERROR),
        example=_example(path, parameters),
    )


def _parameter(parameter: Description) -> Field:
    schema = parameter["schema"]
    return Field(
        name=parameter["name"],
        kind=parameter_kind(schema),
        description=parameter["description"],
        default=str(schema["default"]) if "default" in schema else None,
        required=parameter["required"],
    )


def _record(name: str, schema: Description, schemas: Description) -> Record:
    fields = tuple(
        Field(field, kind_of(value), _said(value, schemas))
        for field, value in schema["properties"].items()
    )
    return Record(name, " ".join(_paragraphs(schema["description"])), fields)


def _said(field: Description, schemas: Description) -> str:
    """The field's sentence; one that says no more than its record is not repeated there."""
    said: str = (field if "description" in field else schemas[referred(field)])["description"]
    return said


def _body(body: Description) -> Body:
    return Body(body["description"], tuple(body["content"]))


def _answer(response: Description, records: Mapping[str, Record]) -> Answer:
    content: Description = response["content"]
    schemas = [each["schema"] for each in content.values() if "$ref" in each.get("schema", {})]
    record = records[referred(schemas[0])] if schemas else None
    description = record.description if record else response["description"]
    return Answer(description, tuple(content), record)


def _example(path: str, parameters: list[Description]) -> str:
    """A request that gives what it must, and numbers that keep the answer short."""
    query = {}
    for parameter in parameters:
        name, value = parameter["name"], parameter["example"]
        if parameter["in"] == "path":
            path = path.replace(f"{{{name}}}", quote(str(value)))
        elif parameter["required"] or name in FEW:
            query[name] = value
    return f"{path}?{urlencode(query, safe='/', quote_via=quote)}" if query else path


def _within_answers(
    operations: list[Operation], records: Mapping[str, Record]
) -> tuple[Record, ...]:
    """The records that fields of answers refer to, directly or through others."""
    found: set[str] = set()
    open_ends = [operation.answer.record for operation in operations if operation.answer.record]
    while open_ends:
        named = set(_named(open_ends.pop())) - found
        found |= named
        open_ends += [records[name] for name in named]
    return tuple(records[name] for name in sorted(found))


def _named(record: Record) -> Iterator[str]:
    for field in record.fields:
        if field.kind.record is not None:
            yield field.kind.record


def _errors(description: Description) -> tuple[tuple[str, str], ...]:
    responses = {
        status: response["description"]
        for calls in description["paths"].values()
        for call in calls.values()
        for status, response in call["responses"].items()
        if status >= _FIRST_ERROR
    }
    return tuple(sorted(responses.items()))


def _paragraphs(text: str) -> tuple[str, ...]:
    return tuple(" ".join(part.split()) for part in text.strip().split("\n\n"))
