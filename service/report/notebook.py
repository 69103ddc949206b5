"""Execution of the notebook; only output that is equal on every machine is kept."""

import os
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode
from traitlets.config import Config

from embeddings.atomic import atomic_write
from service.report.server import ROOT, ReportError

_FORMAT = 4
_CELL_SECONDS = 600
_ENCRYPTED = Config({"KernelManager": {"transport_encryption": "auto"}})
# Otherwise kernels warn that other users of this machine could read the messages.
_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


@dataclass(frozen=True)
class Executed:
    """A notebook with its outputs."""

    notebook: NotebookNode

    @property
    def text(self) -> str:
        """Content of the notebook file, as JSON."""
        written: str = nbformat.writes(self.notebook)  # type: ignore[no-untyped-call]
        return written.rstrip("\n") + "\n"


def execute(path: Path, url: str, *, thumbnails: bool) -> Executed:
    """Execute a notebook against the service at `url`. Raises `ReportError`."""
    notebook = nbformat.read(path, as_version=_FORMAT)  # type: ignore[no-untyped-call]
    client = NotebookClient(
        notebook,
        timeout=_CELL_SECONDS,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(ROOT)}},
        config=_ENCRYPTED,
    )
    environment = {
        **os.environ,
        "BELVEDERE_URL": url,
        "BELVEDERE_REPORT_THUMBNAILS": "1" if thumbnails else "0",
    }
    try:
        client.execute(env=environment)
    except CellExecutionError as error:
        raise ReportError(
            f"A cell of the notebook failed: {error.ename}: {error.evalue}"
        ) from error
    except DeadKernelError as error:
        raise ReportError(
            "The notebook's kernel died. Check that the machine has enough free memory, then run "
            "the report again."
        ) from error
    return Executed(_normalize(notebook))


def write_text(path: Path, text: str) -> Path:
    """Write a file atomically and return its path."""
    atomic_write(path, text)
    return path


def _normalize(notebook: NotebookNode) -> NotebookNode:
    """Drop metadata that differs between machines."""
    notebook.metadata = nbformat.from_dict(_METADATA)  # type: ignore[no-untyped-call]
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    return notebook
