"""JSON schemas in words."""

from service.api.openapi import Description
from service.reference.structure import Kind

_NULL = {"type": "null"}

_LIMITS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
}


def referred(schema: Description) -> str:
    """The name of the record that a schema refers to."""
    reference: str = schema["$ref"]
    return reference.rsplit("/", 1)[1]


def kind_of(schema: Description) -> Kind:
    """What values fit a schema, in words."""
    if "$ref" in schema:
        return Kind("{}", referred(schema))
    if "anyOf" in schema:
        found = [kind_of(each) for each in schema["anyOf"]]
        record = next((kind.record for kind in found if kind.record), None)
        return Kind(_either([kind.text for kind in found]), record)
    if "items" in schema:
        item = kind_of(schema["items"])
        return Kind(f"list of {_several(item.text)}", item.record)
    return Kind(_simple(schema))


def parameter_kind(schema: Description) -> Kind:
    """The same for a parameter: null stands for leaving it out, so it goes unmentioned."""
    given = [each for each in schema.get("anyOf", [schema]) if each != _NULL]
    return kind_of(given[0])


def _simple(schema: Description) -> str:
    if "enum" in schema:
        return _either([f"`{value}`" for value in schema["enum"]])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "prefixItems" in schema:
        return " and ".join(_simple(each) for each in schema["prefixItems"])
    if "additionalProperties" in schema:
        return f"{_simple(schema['additionalProperties'])} for each name"
    limits = [text.format(schema[name]) for name, text in _LIMITS.items() if name in schema]
    return ", ".join([schema["type"], *limits])


def _either(texts: list[str]) -> str:
    *first, last = texts
    return f"{', '.join(first)} or {last}" if first else last


def _several(text: str) -> str:
    if text.startswith("list of "):
        return text.replace("list", "lists", 1)
    return text if "{}" in text else f"{text}s"
