"""Runs on disk: one folder for each trained or skipped trial, found by its key."""

import json
import re
import shutil
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Generic, Literal, TypeVar
from zipfile import BadZipFile

import numpy as np
from pydantic import JsonValue

from embeddings.arrays import Floats, Rows
from embeddings.atomic import atomic_file, atomic_folder, atomic_write
from embeddings.errors import BelvedereError
from embeddings.frozen_model import FrozenModel
from embeddings.release.label_loop import LabelLoop
from embeddings.release.reports import Cost, ExperimentReport
from embeddings.release.retrieval import Retrieval
from embeddings.release.robustness import ModelRobustness
from training.checksums import damaged_file, write_checksums
from training.digests import Warn, digest_of, read_cached

Write = Callable[[Path], ExperimentReport]
"""Function that writes files into the given folder and returns the complete report."""

Report = TypeVar("Report", bound=FrozenModel)

Facts = Mapping[str, JsonValue]
"""Conditions of a run's result beside the hyper-parameters of its experiment."""

NETWORK = "network.keras"
"""File of the trained Keras model, from pixels to probabilities."""
INFERENCE_MODEL = "probe.xml"
"""File of the same model for OpenVINO, with its inner layers as further outputs."""

_FORMAT: Literal[3] = 3
_REPORT = "report.json"
_PREDICTIONS = "predictions.npz"
_COST = "cost.json"
_RETRIEVAL = "retrieval.json"
_NEIGHBORS = "neighbors.npz"
_OUT_OF_FOLD = "held_out.npz"
_LABEL_LOOP = "label_loop.json"
_ROBUSTNESS = "robustness.json"
_KEY_LENGTH = 12
_FOLDER = re.compile(rf".+-[0-9a-f]{{{_KEY_LENGTH}}}")


class DamagedRun(BelvedereError):
    """Error for a file of a run that is missing, truncated or changed."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} is damaged; run `belvedere train` to create it again.")
        self.path = path


class Record(FrozenModel):
    """Content of a run's `report.json`."""

    format: Literal[3] = _FORMAT
    key: str
    """Digest of the experiment's hyper-parameters and of `facts`."""
    facts: dict[str, JsonValue]
    report: ExperimentReport


class RetrievalReport(FrozenModel):
    """Content of a run's `retrieval.json`."""

    key: str
    """Digest of the groups of the validation images."""
    retrieval: Retrieval
    tuning_precision_at_3: float | None
    """Tuning images as queries among the images to fit on, by the embedding, 0-1."""


@dataclass(frozen=True)
class MeasuredRetrieval:
    """Search for the validation images of a dataset by a trained network."""

    report: RetrievalReport
    neighbors: Rows
    """Shape (validation images, 3): rows of the training images nearest by the embedding."""


class _Kept(FrozenModel, Generic[Report]):
    """Report under a key that identifies the images that it was measured on."""

    key: str
    report: Report


@dataclass(frozen=True)
class Predictions:
    """Probabilities of shape (n, classes) for the tuning and the validation images."""

    tuning: Floats
    validation: Floats


@dataclass(frozen=True)
class Run:
    """Folder of one trial that was trained or skipped."""

    folder: Path
    key: str
    facts: Facts
    report: ExperimentReport
    """Metrics of the trial, or the reason for skipping it."""

    @property
    def network(self) -> Path:
        """Path of the trained Keras model, from pixels to probabilities. Raises `DamagedRun`."""
        return self._verified(NETWORK)

    @property
    def inference_model(self) -> Path:
        """Path of the OpenVINO model with layer outputs. Raises `DamagedRun`."""
        return self._verified(INFERENCE_MODEL, Path(INFERENCE_MODEL).with_suffix(".bin").name)

    @property
    def predictions(self) -> Predictions:
        """Predictions for the tuning and the validation images. Raises `DamagedRun`."""
        with np.load(self._verified(_PREDICTIONS)) as kept:
            return Predictions(kept["tuning"], kept["validation"])

    def out_of_fold(self, key: str, warn: Warn) -> Floats | None:
        """Return the out-of-fold predictions stored under `key`; None if there are none."""

        def read(path: Path) -> Floats | None:
            # NumPy leaves a damaged file open.
            with path.open("rb") as file, np.load(file) as kept:
                return kept["probabilities"] if kept["key"].item() == key else None

        return read_cached(self.folder / _OUT_OF_FOLD, read, warn)

    def write_out_of_fold(self, key: str, probabilities: Floats) -> None:
        """Store out-of-fold predictions under a key that identifies the images and their groups."""
        with atomic_file(self.folder / _OUT_OF_FOLD) as draft:
            np.savez(draft, key=np.array(key), probabilities=probabilities)

    def label_loop(self, key: str, warn: Warn) -> LabelLoop | None:
        """Return the report of simulated reviews stored under `key`; None if there is none."""
        return _read_kept(self.folder / _LABEL_LOOP, _Kept[LabelLoop], key, warn)

    def write_label_loop(self, key: str, report: LabelLoop) -> None:
        """Store a report under a key that identifies the images and their groups."""
        kept = _Kept[LabelLoop](key=key, report=report)
        atomic_write(self.folder / _LABEL_LOOP, kept.model_dump_json())

    def robustness(self, key: str, warn: Warn) -> ModelRobustness | None:
        """Return the finished corruptions stored under `key`; None if there are none."""
        return _read_kept(self.folder / _ROBUSTNESS, _Kept[ModelRobustness], key, warn)

    def write_robustness(self, key: str, report: ModelRobustness) -> None:
        """Store finished corruptions under a key that identifies images, labels and split."""
        kept = _Kept[ModelRobustness](key=key, report=report)
        atomic_write(self.folder / _ROBUSTNESS, kept.model_dump_json())

    @property
    def cost(self) -> Cost | None:
        """Inference cost; None if it was not measured. Raises `DamagedRun`."""
        path = self.folder / _COST
        try:
            return Cost.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise DamagedRun(path) from error

    def write_cost(self, cost: Cost) -> None:
        """Store the inference cost."""
        atomic_write(self.folder / _COST, cost.model_dump_json())

    @property
    def retrieval(self) -> RetrievalReport | None:
        """Report of the search; None if it was not measured. Raises `DamagedRun`."""
        path = self.folder / _RETRIEVAL
        try:
            return RetrievalReport.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise DamagedRun(path) from error

    @property
    def neighbors(self) -> Rows | None:
        """Rows of the training images that `MeasuredRetrieval` describes; None if not measured.

        Raises `DamagedRun`.
        """
        path = self.folder / _NEIGHBORS
        try:
            with path.open("rb") as file, np.load(file) as kept:
                return np.asarray(kept["rows"], np.int64)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, EOFError, BadZipFile) as error:
            raise DamagedRun(path) from error

    def write_retrieval(self, measured: MeasuredRetrieval) -> None:
        """Store the report of the search, after the rows of the neighbours."""
        with atomic_file(self.folder / _NEIGHBORS) as draft:
            np.savez(draft, rows=measured.neighbors.astype(np.int32))
        atomic_write(self.folder / _RETRIEVAL, measured.report.model_dump_json())

    def encoder(self, temperature: float) -> Path:
        """Return the folder of the encoder that is exported with this temperature."""
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

    def _verified(self, *names: str) -> Path:
        _verify(self.folder, names, content=True)
        return self.folder / names[0]


def write_predictions(folder: Path, predictions: Predictions) -> None:
    """Write the predictions of a model into the folder of its run."""
    np.savez(folder / _PREDICTIONS, tuning=predictions.tuning, validation=predictions.validation)


class RunIndex:
    """Index of the runs in a folder by their keys.

    The folder is listed once and each report is read once; `save` and `delete_damaged` keep the
    index up to date. Changes by other processes go unnoticed, so writers must hold the lock of the
    home.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._opened: dict[Path, Run | None] = {}

    @cached_property
    def _folders(self) -> set[Path]:
        paths = self._root.glob("*")
        return {each for each in paths if _FOLDER.fullmatch(each.name) and each.is_dir()}

    @property
    def folders(self) -> list[Path]:
        """Folders of all runs, in alphabetical order."""
        return sorted(self._folders)

    def open(self, folder: Path) -> Run | None:
        """Return the run in a folder; None if it has another format. Raises `DamagedRun`."""
        if folder not in self._opened:
            self._opened[folder] = _read(folder)
        return self._opened[folder]

    def verify(self, folder: Path) -> Run | None:
        """Return the run in a folder after verification of every file; None for another format.

        Raises `DamagedRun`.
        """
        run = self.open(folder)
        if run is not None:
            _verify(folder, content=True)
        return run

    def find(self, key: str) -> Run | None:
        """Return the trained or skipped run with this key; None if there is none.

        Only the sizes of its files are checked. Raises `DamagedRun`.
        """
        folders = self._with_key(key)
        run = self.open(folders[0]) if folders else None
        return run if run is not None and run.key == key else None

    def save(
        self, key: str, facts: Facts, report: ExperimentReport, write: Write | None = None
    ) -> Run:
        """Write a run to a temporary folder, flush it and rename it to its final name."""
        folder = self._root / f"{report.name}-{key[:_KEY_LENGTH]}"
        with atomic_folder(folder) as draft:
            complete = write(draft) if write is not None else report
            record = Record(key=key, facts=dict(facts), report=complete)
            content = record.model_dump_json(indent=2)
            (draft / _REPORT).write_text(content, encoding="utf-8")
            write_checksums(draft)
        return self._register(folder, content.encode())

    def install(self, name: str, files: Mapping[str, bytes]) -> Run:
        """Write the files of a run that `save` wrote elsewhere into a folder with the same name.

        Raises `DamagedRun` if a file differs from its checksum.
        """
        folder = self._root / name
        with atomic_folder(folder) as draft:
            for file, content in files.items():
                (draft / file).write_bytes(content)
            _verify(draft, content=True)
        return self._register(folder, files[_REPORT])

    def delete_damaged(self, warn: Warn) -> None:
        """Delete every run with a damaged file, and damaged measurements."""
        for folder in self.folders:
            try:
                run = self.verify(folder)
            except DamagedRun as error:
                warn(f"{error.path} is damaged; deleted the run, which is trained again if needed.")
                self._delete(folder)
                continue
            if run is not None:
                _delete_damaged_measurements(run, warn)

    def unused(self, is_current: Callable[[Facts], bool]) -> list[Path]:
        """Return the folders of trained runs of another format or whose facts are not current.

        Damaged runs are left out.
        """
        unused = []
        for folder in self.folders:
            with suppress(DamagedRun):
                run = self.open(folder)
                if run is None or (run.report.status == "done" and not is_current(run.facts)):
                    unused.append(folder)
        return unused

    def _register(self, folder: Path, content: bytes) -> Run:
        """Add a written run to the index and delete others with its key."""
        # Parsed, so that a run is the same object whether it was written or read.
        run = _parse(folder, content)
        self._folders.add(folder)
        self._opened[folder] = run
        for other in self._with_key(run.key):
            if other != folder:
                self._delete(other)
        return run

    def _with_key(self, key: str) -> list[Path]:
        return sorted(each for each in self._folders if each.name.endswith(f"-{key[:_KEY_LENGTH]}"))

    def _delete(self, folder: Path) -> None:
        shutil.rmtree(folder)
        self._folders.discard(folder)
        self._opened.pop(folder, None)


def _read(folder: Path) -> Run | None:
    try:
        content = (folder / _REPORT).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        content = b""
    if _has_other_format(content):
        return None
    _verify(folder, content=False)
    return _parse(folder, content)


def _read_kept(path: Path, kind: type[_Kept[Report]], key: str, warn: Warn) -> Report | None:
    """Return the report in a file if it has this key."""

    def read(path: Path) -> Report | None:
        kept = kind.model_validate_json(path.read_bytes())
        return kept.report if kept.key == key else None

    return read_cached(path, read, warn)


def _delete_damaged_measurements(run: Run, warn: Warn) -> None:
    for name, measurement in (("cost", "cost"), ("retrieval", "search"), ("neighbors", "search")):
        try:
            getattr(run, name)
        except DamagedRun as error:
            warn(f"{error.path} is damaged; the {measurement} is measured again.")
            error.path.unlink()


def _verify(folder: Path, names: Collection[str] | None = None, *, content: bool) -> None:
    damaged = damaged_file(folder, names, content=content)
    if damaged is not None:
        raise DamagedRun(damaged)


def _parse(folder: Path, content: bytes) -> Run:
    try:
        record = Record.model_validate_json(content)
    except ValueError as error:
        raise DamagedRun(folder / _REPORT) from error
    return Run(folder, record.key, record.facts, record.report)


def _has_other_format(content: bytes) -> bool:
    try:
        record = json.loads(content)
    except ValueError:
        return False
    return isinstance(record, dict) and record.get("format") != _FORMAT
