"""Finished experiments on disk: written whole, found again, never trained twice."""

import json
import re
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import JsonValue

from embeddings.arrays import Floats
from embeddings.atomic import atomic_file, atomic_folder, atomic_write
from embeddings.errors import BelvedereError
from embeddings.frozen_model import FrozenModel
from embeddings.release.reports import Cost, ExperimentReport
from training.checksums import damaged_file, write_checksums
from training.digests import Warn, digest_of, read_cached

Write = Callable[[Path], ExperimentReport]
"""Writes files into the folder it is given, and completes the report."""

Facts = Mapping[str, JsonValue]
"""Conditions of a run's result beside the hyper-parameters of its experiment."""

NETWORK = "network.keras"
"""File of the trained Keras network, pixels to probabilities."""
PROBE = "probe.xml"
"""File of the same network as OpenVINO model, with its inner layers as outputs."""

_FORMAT: Literal[2] = 2
_REPORT = "report.json"
_PREDICTIONS = "predictions.npz"
_COST = "cost.json"
_KEY_LENGTH = 12
_FOLDER = re.compile(rf".+-[0-9a-f]{{{_KEY_LENGTH}}}")


class DamagedRun(BelvedereError):
    """A file of a run is missing, cut short or changed."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is damaged; run `belvedere train`, which makes it anew.")
        self.path = path


class Record(FrozenModel):
    """Content of a run's `report.json`."""

    format: Literal[2] = _FORMAT
    key: str
    """Digest of the experiment's hyper-parameters and of `facts`."""
    facts: dict[str, JsonValue]
    report: ExperimentReport


@dataclass(frozen=True)
class Predictions:
    """Probabilities of shape (n, classes) for the photographs of two parts."""

    tuning: Floats
    validation: Floats


@dataclass(frozen=True)
class Run:
    """The folder of one experiment that was run or skipped."""

    folder: Path
    key: str
    facts: Facts
    report: ExperimentReport
    """Its figures, or why it was skipped."""

    @property
    def network(self) -> Path:
        """The trained Keras network, pixels to probabilities. Raises `DamagedRun`."""
        return self._whole(NETWORK)

    @property
    def probe(self) -> Path:
        """The network as OpenVINO model with its inner layers as outputs. Raises `DamagedRun`."""
        return self._whole(PROBE, Path(PROBE).with_suffix(".bin").name)

    @property
    def predictions(self) -> Predictions:
        """Probabilities of the tuning and the validation photographs, in their order.

        Raises `DamagedRun`.
        """
        with np.load(self._whole(_PREDICTIONS)) as kept:
            return Predictions(kept["tuning"], kept["validation"])

    def held_out(self, key: str, warn: Warn) -> Floats | None:
        """Return what networks that had not seen them said of the photographs to fit on.

        None if nothing was written under this key.
        """

        def read(path: Path) -> Floats | None:
            # NumPy leaves a file open that it finds damaged.
            with path.open("rb") as file, np.load(file) as kept:
                return kept["probabilities"] if kept["key"].item() == key else None

        return read_cached(self._held_out, read, warn)

    def write_held_out(self, key: str, probabilities: Floats) -> None:
        """Keep what they said, under a key that names the photographs and their groups."""
        with atomic_file(self._held_out) as draft:
            np.savez(draft, key=np.array(key), probabilities=probabilities)

    @property
    def cost(self) -> Cost | None:
        """Cost of an answer, if it was measured. Raises `DamagedRun`."""
        path = self.folder / _COST
        try:
            return Cost.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise DamagedRun(path) from error

    def write_cost(self, cost: Cost) -> None:
        """Keep what answering costs."""
        atomic_write(self.folder / _COST, cost.model_dump_json())

    def encoder(self, temperature: float) -> Path:
        """Return the folder of the encoder exported with this temperature."""
        return self.folder / f"encoder-{digest_of(temperature)[:_KEY_LENGTH]}"

    def quantized(self, temperature: float) -> Path:
        """Return the folder of the same encoder in 8 bits."""
        encoder = self.encoder(temperature)
        return encoder.with_name(f"{encoder.name}-int8")

    def delete_other_encoders(self, temperature: float) -> None:
        """Delete the encoders that were exported with other temperatures."""
        kept = {self.encoder(temperature), self.quantized(temperature)}
        for folder in set(self.folder.glob("encoder-*")) - kept:
            shutil.rmtree(folder)

    @property
    def _held_out(self) -> Path:
        return self.folder / "held_out.npz"

    def _whole(self, *names: str) -> Path:
        damaged = damaged_file(self.folder, names, content=True)
        if damaged is not None:
            raise DamagedRun(damaged)
        return self.folder / names[0]


def write_predictions(folder: Path, predictions: Predictions) -> None:
    """Write what a network said into the folder of its run."""
    np.savez(folder / _PREDICTIONS, tuning=predictions.tuning, validation=predictions.validation)


@dataclass(frozen=True)
class Runs:
    """All runs under a folder; a run is found by its key, whatever its experiment is called."""

    root: Path

    def find(self, key: str) -> Run | None:
        """Return the run with this key, finished or skipped.

        Only the sizes of its files are checked. Raises `DamagedRun`.
        """
        folders = self._with_key(key)
        run = _open(folders[0], content=False) if folders else None
        return run if run is not None and run.key == key else None

    def save(
        self, key: str, facts: Facts, report: ExperimentReport, write: Write | None = None
    ) -> Run:
        """Keep a run: its folder is written aside, flushed, and renamed to its place."""
        folder = self.root / f"{report.name}-{key[:_KEY_LENGTH]}"
        with atomic_folder(folder) as draft:
            whole = write(draft) if write is not None else report
            record = Record(key=key, facts=dict(facts), report=whole)
            (draft / _REPORT).write_text(record.model_dump_json(indent=2), encoding="utf-8")
            write_checksums(draft)
        for other in self._with_key(key):
            if other != folder:
                shutil.rmtree(other)
        return Run(folder, key, facts, whole)

    def delete_damaged(self, warn: Warn) -> None:
        """Delete every run with a damaged file, and damaged measurements of cost."""
        for folder in self._all():
            if _has_other_format(folder):
                continue
            try:
                run = _open(folder, content=True)
            except DamagedRun as error:
                warn(f"{error.path} is damaged; the run is deleted, and made anew if it is needed.")
                shutil.rmtree(folder)
                continue
            try:
                _ = run.cost
            except DamagedRun as error:
                warn(f"{error.path} is damaged; the cost is measured anew.")
                error.path.unlink()

    def unused(self, is_current: Callable[[Facts], bool]) -> list[Path]:
        """Return the folders of finished runs of another format or whose facts are not current.

        Damaged runs are left out.
        """
        found = []
        for folder in self._all():
            if _has_other_format(folder):
                found.append(folder)
                continue
            with suppress(DamagedRun):
                run = _open(folder, content=False)
                if run.report.status == "done" and not is_current(run.facts):
                    found.append(folder)
        return found

    def _with_key(self, key: str) -> list[Path]:
        return [each for each in self._all() if each.name.endswith(f"-{key[:_KEY_LENGTH]}")]

    def _all(self) -> list[Path]:
        return sorted(
            each for each in self.root.glob("*") if _FOLDER.fullmatch(each.name) and each.is_dir()
        )


def _open(folder: Path, *, content: bool) -> Run:
    damaged = damaged_file(folder, content=content)
    if damaged is not None:
        raise DamagedRun(damaged)
    path = folder / _REPORT
    try:
        record = Record.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValueError) as error:
        raise DamagedRun(path) from error
    return Run(folder, record.key, record.facts, record.report)


def _has_other_format(folder: Path) -> bool:
    try:
        content = json.loads((folder / _REPORT).read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    return isinstance(content, dict) and content.get("format") != _FORMAT
