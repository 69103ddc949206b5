"""What the parts measured, kept as JSON, so that one part can be measured again alone."""

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
    """The result of one part."""

    day: date = Field(default_factory=_today)


Kept = TypeVar("Kept", bound=Measurement)


def keep(measurement: Measurement, home: Path) -> None:
    """Write the result of a part into the folder of measurements, in place of an older one."""
    atomic_write(_path(type(measurement), home), measurement.model_dump_json(indent=1))


def kept(kind: type[Kept], home: Path) -> Kept | None:
    """The last result of a part; None where it is not there or of an older form."""
    try:
        return kind.model_validate_json(_path(kind, home).read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def home_of_settings() -> Path:
    """The folder that is measured: BELVEDERE_HOME with its release and runs."""
    return PathSettings().home


def _path(kind: type[Measurement], home: Path) -> Path:
    return home / FOLDER / f"{kind.__name__}.json"
