"""Filter of stored images: the same conditions for all lists, searches and maps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Annotated, Any, TypedDict

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter
from pydantic_core import PydanticCustomError

from embeddings.file_names import to_nfc
from embeddings.store.split import Split

_MOST_VALUES = 100
_LONGEST_VALUE = 200


def _iso_date(value: object) -> object:
    # Pydantic would read a number as seconds since 1970.
    if isinstance(value, date) or value is None:
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise PydanticCustomError(
            "date_parsing", "Input should be a date such as 2024-05-31"
        ) from None


def _normalized(value: object) -> object:
    return to_nfc(value) if isinstance(value, str) else value


_Value = Annotated[str, BeforeValidator(_normalized), Field(max_length=_LONGEST_VALUE)]
_Values = Annotated[tuple[_Value, ...], Field(max_length=_MOST_VALUES)]
_Splits = Annotated[tuple[Split, ...], Field(max_length=_MOST_VALUES)]
_Flag = bool | None
_Date = Annotated[date, BeforeValidator(_iso_date)] | None
_Name = Annotated[_Value, Field(min_length=1)] | None
_Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None


@dataclass(frozen=True)
class ImageFilter:
    """Conditions that an image must meet; by default there are none.

    An image meets several conditions if it meets each, and several values of one condition if it
    has any of them.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    label: Annotated[_Values, Field(description="Class of the image.")] = ()
    labelled: Annotated[
        _Flag, Field(description="True for images with a label, false for those without.")
    ] = None
    predicted: Annotated[
        _Values, Field(description="Most probable class according to the served model.")
    ] = ()
    split: Annotated[
        _Splits, Field(description="Part of the data: `train`, `validation` or `pool`.")
    ] = ()
    tag: Annotated[_Values, Field(description="Tag of the image.")] = ()
    not_tag: Annotated[_Values, Field(description="Tag that the image does not have.")] = ()
    camera: Annotated[_Values, Field(description="Make and model of the camera.")] = ()
    photographer: Annotated[_Values, Field(description="Name of the photographer.")] = ()
    taken_from: Annotated[
        _Date, Field(description="First day on which the image was taken, such as 2024-05-31.")
    ] = None
    taken_to: Annotated[
        _Date, Field(description="Last day on which the image was taken, such as 2024-05-31.")
    ] = None
    typicality_min: Annotated[_Share, Field(description="Least typicality, 0–1.")] = None
    typicality_max: Annotated[_Share, Field(description="Largest typicality, 0–1.")] = None
    wrong: Annotated[
        _Flag,
        Field(
            description="True for images whose prediction differs from their label, false for "
            "those whose prediction is their label. Images without a label are neither."
        ),
    ] = None
    uncertain: Annotated[
        _Flag,
        Field(
            description="True for images whose prediction set is empty or has several classes, "
            "false for those whose set is one class."
        ),
    ] = None
    learned: Annotated[
        _Flag,
        Field(description="True for images whose file the served model learned from."),
    ] = None
    reviewed: Annotated[
        _Flag,
        Field(description="True for images whose label a person has set or kept."),
    ] = None
    selection: Annotated[
        _Name, Field(description="Name of a saved selection, as listed by `GET /selections`.")
    ] = None

    @property
    def is_empty(self) -> bool:
        """True if every image meets the conditions."""
        return self == EVERY_IMAGE

    def names(self) -> tuple[str, ...]:
        """Return the names of the conditions that are given."""
        return tuple(each.name for each in fields(self) if getattr(self, each.name) != each.default)


class FilterValues(TypedDict, total=False):
    """Conditions as arguments of a function; None and a missing one are no condition."""

    label: str | Sequence[str] | None
    labelled: bool | None
    predicted: str | Sequence[str] | None
    split: Split | Sequence[Split] | None
    tag: str | Sequence[str] | None
    not_tag: str | Sequence[str] | None
    camera: str | Sequence[str] | None
    photographer: str | Sequence[str] | None
    taken_from: date | str | None
    taken_to: date | str | None
    typicality_min: float | None
    typicality_max: float | None
    wrong: bool | None
    uncertain: bool | None
    learned: bool | None
    reviewed: bool | None
    selection: str | None


EVERY_IMAGE = ImageFilter()
"""Filter without conditions."""

FILTER = TypeAdapter(ImageFilter)
"""Filter as JSON: an object with the conditions that are given."""

SCHEMA: dict[str, Any] = FILTER.json_schema()
"""JSON Schema of a filter."""

REPEATED = frozenset(each.name for each in fields(ImageFilter) if isinstance(each.default, tuple))
"""Names of the conditions that can have several values."""

NAMES = frozenset(each.name for each in fields(ImageFilter))
"""Names of all conditions, which are those of query parameters."""

OF_VERSIONS = ("label", "split")
"""Names of the conditions that the images of a dataset version can be filtered by."""


def as_json(where: ImageFilter) -> dict[str, Any]:
    """Return the conditions that are given, as an object of JSON."""
    found: dict[str, Any] = FILTER.dump_python(where, mode="json", exclude_defaults=True)
    return found


def given(values: FilterValues) -> dict[str, Any]:
    """Return the conditions that are given, as an object of JSON; single texts become lists."""
    arguments: dict[str, Any] = {**values}
    found: dict[str, Any] = {}
    for name, value in arguments.items():
        if isinstance(value, date):
            found[name] = value.isoformat()
        elif name in REPEATED and value is not None:
            found[name] = [value] if isinstance(value, str) else [*value]
        elif value is not None:
            found[name] = value
    return found


def from_json(values: Mapping[str, Any]) -> ImageFilter:
    """Return a filter of an object of JSON. Raises `pydantic.ValidationError`."""
    return FILTER.validate_python(dict(values))
