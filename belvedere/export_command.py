"""Implementation of `belvedere export`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from belvedere.commands import Given
from embeddings.export import FormatName, format_of

if TYPE_CHECKING:
    from service.image_filter import ImageFilter


def export(
    given: Given,
    path: Path,
    format_name: FormatName | None,
    label: Sequence[str],
    split: Sequence[str],
    where: Sequence[str],
    selection: str | None,
    at: str | None,
    thumbnails: bool,
    keep_location: bool,
) -> None:
    """Write images with their embeddings and predictions to the file PATH.

    The features are those of the current release, and the images those of the newest revision or of
    --at. No service is needed. --label, --split and --where may be repeated; the conditions are
    those of `GET /images`. PATH is replaced when the new file is complete.
    """
    from embeddings.atomic import atomic_file
    from embeddings.export.formats import Options
    from embeddings.file_names import printable
    from service.serving.exporting import export_filtered
    from service.serving.served_release import load_current_release
    from service.settings import ServiceSettings

    named = (("label", label), ("split", split), ("selection", [selection] if selection else []))
    chosen = _filter([*(pair for each in named for pair in _named(*each)), *map(_condition, where)])
    served = load_current_release(ServiceSettings.from_environment(**given))
    options = Options(thumbnails, keep_location)
    made = export_filtered(served, chosen, at, format_name or format_of(path.suffix), options)
    with atomic_file(path) as draft, draft.open("wb") as file:
        for chunk in made.chunks:
            file.write(chunk)
    images = "1 image" if made.count == 1 else f"{made.count:,} images"
    sys.stdout.write(f"Exported: {images} of revision {made.revision} to {printable(str(path))}.\n")


def _named(name: str, values: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, value) for value in values]


def _condition(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _filter(conditions: Sequence[tuple[str, str]]) -> "ImageFilter":
    """Return the filter of names and values. Raises `UnusableOption`."""
    from pydantic import ValidationError

    from embeddings.export.formats import UnusableOption
    from service.image_filter import NAMES, REPEATED, from_json

    values: dict[str, str | list[str]] = {}
    for name, value in conditions:
        if name not in NAMES:
            raise UnusableOption(
                f"There is no condition {name!r:.100}; the conditions are "
                f"{', '.join(sorted(NAMES))}, as in --where wrong=true."
            )
        if name in REPEATED:
            values[name] = [*values.get(name, ()), value]
        else:
            values[name] = value
    try:
        return from_json(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise UnusableOption(
            f"The condition {first['loc'][0]} is {first['input']!r:.100}: "
            f"{first['msg'].replace('Input should', 'it should', 1)}."
        ) from None
