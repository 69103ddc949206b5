"""Finished experiments on disk: written whole, found again, never trained twice."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

from embeddings.comparison import ExperimentReport

Write = Callable[[Path], None]
"""Writes files into the folder it is given."""

_REPORT = "report.json"
_KEY_LENGTH = 12


@dataclass(frozen=True)
class Run:
    """The folder of one experiment that was run or skipped."""

    folder: Path

    @property
    def report(self) -> ExperimentReport:
        """Its figures, or why it was skipped."""
        return ExperimentReport.model_validate_json((self.folder / _REPORT).read_bytes())

    @property
    def network(self) -> Path:
        """The trained Keras network, pixels to probabilities."""
        return self.folder / "network.keras"

    @property
    def predictions(self) -> Path:
        """Ids and probabilities of the validation photographs, as `.npz`."""
        return self.folder / "predictions.npz"

    @property
    def encoder(self) -> Path:
        """Folder of the exported encoder, written when the network is first published."""
        return self.folder / "encoder"


@dataclass(frozen=True)
class Runs:
    """All runs under a folder; a run is found by its experiment's key."""

    root: Path

    def find(self, name: str, key: str) -> Run | None:
        """The run of an experiment under exactly these circumstances, finished or skipped."""
        run = Run(self._folder(name, key))
        return run if (run.folder / _REPORT).is_file() else None

    def finished(self, name: str, key: str) -> Run | None:
        """The same where it was trained to its end."""
        run = self.find(name, key)
        return run if run is not None and run.report.status == "done" else None

    def save(self, key: str, report: ExperimentReport, write: Write = lambda _folder: None) -> Run:
        """Keep a run: everything is written aside and appears by one rename."""
        self.root.mkdir(parents=True, exist_ok=True)
        run = Run(self._folder(report.name, key))
        with TemporaryDirectory(prefix=".running-", dir=self.root) as temporary:
            draft = Path(temporary) / "run"
            draft.mkdir()
            write(draft)
            (draft / _REPORT).write_text(report.model_dump_json(indent=2))
            rmtree(run.folder, ignore_errors=True)
            draft.rename(run.folder)
        return run

    def _folder(self, name: str, key: str) -> Path:
        return self.root / f"{name}-{key[:_KEY_LENGTH]}"
