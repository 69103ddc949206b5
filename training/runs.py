"""Finished experiments on disk: written whole, found again, never trained twice."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from embeddings.atomic import atomic_file, atomic_folder, atomic_write
from embeddings.comparison import Cost, ExperimentReport
from embeddings.runtime import Floats

Write = Callable[[Path], ExperimentReport]
"""Writes files into the folder it is given, and completes the report."""

_REPORT = "report.json"
_COST = "cost.json"
_KEY_LENGTH = 12


@dataclass(frozen=True)
class Predictions:
    """Probabilities of shape (n, classes) for the photographs of two parts."""

    tuning: Floats
    validation: Floats


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
    def predictions(self) -> Predictions:
        """What the network said of the tuning and the validation photographs, in their order."""
        with np.load(self._predictions) as kept:
            return Predictions(kept["tuning"], kept["validation"])

    def write_predictions(self, predictions: Predictions) -> None:
        """Keep what the network said."""
        np.savez(self._predictions, tuning=predictions.tuning, validation=predictions.validation)

    @property
    def held_out(self) -> Floats | None:
        """What networks that had not seen them said of the photographs to fit on, where asked."""
        return np.load(self._held_out) if self._held_out.is_file() else None

    def write_held_out(self, probabilities: Floats) -> None:
        """Keep what they said."""
        with atomic_file(self._held_out) as draft:
            np.save(draft, probabilities)

    @property
    def cost(self) -> Cost | None:
        """What answering costs, where it was measured."""
        path = self.folder / _COST
        return Cost.model_validate_json(path.read_bytes()) if path.is_file() else None

    def write_cost(self, cost: Cost) -> None:
        """Keep what answering costs."""
        atomic_write(self.folder / _COST, cost.model_dump_json())

    @property
    def _predictions(self) -> Path:
        return self.folder / "predictions.npz"

    @property
    def _held_out(self) -> Path:
        return self.folder / "held_out.npy"

    @property
    def encoder(self) -> Path:
        """Folder of the exported encoder, written when the network is first published."""
        return self.folder / "encoder"

    @property
    def quantized(self) -> Path:
        """Folder of the same encoder in 8 bits, written when it is first published so."""
        return self.folder / "encoder-int8"


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

    def save(self, key: str, report: ExperimentReport, write: Write | None = None) -> Run:
        """Keep a run: its folder is written aside, flushed, and renamed to its place."""
        run = Run(self._folder(report.name, key))
        with atomic_folder(run.folder) as draft:
            whole = write(draft) if write is not None else report
            (draft / _REPORT).write_text(whole.model_dump_json(indent=2), encoding="utf-8")
        return run

    def _folder(self, name: str, key: str) -> Path:
        return self.root / f"{name}-{key[:_KEY_LENGTH]}"
