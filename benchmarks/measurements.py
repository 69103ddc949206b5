"""Measurements, saved as JSON so that one part can be repeated alone."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

from pydantic import Field, ValidationError

from embeddings.atomic import atomic_write
from embeddings.frozen_model import StrictModel
from embeddings.settings import PathSettings

FOLDER = "measurements"


def _today() -> date:
    return datetime.now(UTC).date()


class Figures(StrictModel):
    """Measured values that belong together."""


class Measurement(Figures):
    """Result of one part."""

    day: date = Field(default_factory=_today)


Kept = TypeVar("Kept", bound=Measurement)


def save(measurement: Measurement, home: Path) -> None:
    """Write the result of a part to the folder of measurements, replacing an older one."""
    atomic_write(_path(type(measurement), home), measurement.model_dump_json(indent=1))


def load_saved(kind: type[Kept], home: Path) -> Kept | None:
    """Return the last result of a part; None if it is missing or has an older format."""
    try:
        return kind.model_validate_json(_path(kind, home).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def bench_home() -> Path:
    """Return BELVEDERE_HOME, the folder with the measured release and runs."""
    return PathSettings().home


def _path(kind: type[Measurement], home: Path) -> Path:
    return home / FOLDER / f"{kind.__name__}.json"
