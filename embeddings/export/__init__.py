"""Export of stored images with their features as files of other programs."""

from collections.abc import Mapping
from typing import Literal, get_args

FormatName = Literal["parquet"]
"""Name of a format of exports."""

FORMAT_NAMES: tuple[FormatName, ...] = get_args(FormatName)

EXTENSIONS: Mapping[FormatName, str] = {"parquet": ".parquet"}
"""Extension of the files of each format."""
