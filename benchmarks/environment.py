"""Environment of a measurement: data, machine, versions and date."""

import os
import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

from embeddings.release.reader import Release

_LIBRARIES = ("keras", "tensorflow", "openvino", "faiss-cpu", "openTSNE", "pylance", "numpy")


def describe_environment(
    release: Release, more: Mapping[str, str] = MappingProxyType({}), days: Iterable[date] = ()
) -> list[str]:
    """Return data, machine, versions and dates as lines of Markdown.

    `more` holds versions of further programs; without `days`, the date is that of today.
    """
    known = {name: version(name) for name in _LIBRARIES} | dict(more)
    versions = ", ".join(f"{name} {found}" for name, found in known.items())
    dates = sorted(set(days)) or [datetime.now(UTC).date()]
    data = release.manifest.data
    return [
        f"- Data: {data.name}, {data.photographs} images (`BELVEDERE_DATA`).",
        f"- Machine: {describe_machine()}.",
        f"- Versions: {versions}.",
        f"- Date: {', '.join(day.isoformat() for day in dates)}.",
    ]


def describe_machine() -> str:
    """Return processor, cores, operating system and version of Python."""
    return (
        f"{_processor()}, {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()
