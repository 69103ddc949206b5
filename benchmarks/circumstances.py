"""On what and with what a measurement was made."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from embeddings.release import Release

_LIBRARIES = ("keras", "tensorflow", "openvino", "faiss-cpu", "openTSNE", "pylance", "numpy")


def circumstances(release: Release) -> list[str]:
    """Data, machine, versions and date, as lines of Markdown."""
    versions = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    data = release.manifest.data
    return [
        f"- Data: {data.name}, {data.photographs} of them (`BELVEDERE_DATA`).",
        f"- Machine: {_processor()}, {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}.",
        f"- Versions: {versions}.",
        f"- Date: {datetime.now(UTC):%Y-%m-%d}.",
    ]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()
