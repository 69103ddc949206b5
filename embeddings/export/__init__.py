"""Export of stored images with their features as files of other programs."""

from collections.abc import Mapping
from typing import Literal, get_args

FormatName = Literal["parquet", "csv", "folder"]
"""Name of a format of exports; `folder` is a zip of class folders."""

FORMAT_NAMES: tuple[FormatName, ...] = get_args(FormatName)

EXTENSIONS: Mapping[FormatName, str] = {
    "parquet": ".parquet",
    "csv": ".csv",
    "folder": ".zip",
}
"""Extension of the files of each format."""

_FORMATS: Mapping[str, FormatName] = {extension: name for name, extension in EXTENSIONS.items()}


def format_of(extension: str) -> FormatName:
    """Return the format of an extension of a file, such as `.csv`; `parquet` for an unknown one."""
    return _FORMATS.get(extension.lower(), "parquet")
