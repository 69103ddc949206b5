"""Reading of releases: verification of the files, then the contents."""

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from mmap import ACCESS_READ, MADV_DONTNEED, mmap
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import TypeAdapter, ValidationError

from embeddings.arrays import Doubles, Floats, Labels, Mask, Points
from embeddings.cpu import usable_processors
from embeddings.digests import file_digest
from embeddings.encoded import Encoded
from embeddings.errors import BelvedereError
from embeddings.file_names import to_nfc
from embeddings.frozen_model import FrozenModel
from embeddings.index.knn_graph import NeighborGraph
from embeddings.release.label_loop import LabelLoop
from embeddings.release.manifest import MANIFEST, MANIFEST_FORMAT, Manifest
from embeddings.release.neighbor_stages import NeighborStages
from embeddings.release.reports import Comparison
from embeddings.release.robustness import Robustness
from embeddings.release.uncertainty import Typicality, UncertaintyReport
from embeddings.store.columns import Strings, is_ascending
from embeddings.store.records import IMAGE_SCHEMA, Images, StoredImage

ENCODER = "encoder.xml"
WEIGHTS = "encoder.bin"
FEATURES = "features.arrow"
IMAGES = "images.arrow"
COMPARISON = "comparison.json"
ERRORS = "errors.json"
LABEL_ISSUES = "label_issues.json"
UNCERTAINTY = "trust.json"
TYPICALITY = "typicality.json"
LABEL_LOOP = "label_loop.json"
"""File of a release whose model was examined by simulated reviews."""
NEIGHBOR_STAGES = "neighbor_stages.json"
"""File of a release with neighbours by several models."""
ROBUSTNESS = "robustness.json"
"""File of a release whose models were measured on corrupted images."""
CURRENT = "current"

_CONTENTS = {
    ENCODER, WEIGHTS, FEATURES, IMAGES, COMPARISON, ERRORS, LABEL_ISSUES, UNCERTAINTY, TYPICALITY,
}  # fmt: skip

_ROWS_KEPT = 2**14
"""Maximum number of cached records, about 2 KB each, and of cached rows of ids."""

_LEFT_OUT = ["source", "path", "added", "changed", "deleted"]
"""Columns of the store that a release does not contain: equal contents give equal files."""

Number = TypeVar("Number", np.float32, np.float64, np.int64)


class ReleaseError(BelvedereError):
    """Missing release, or contents that differ from the manifest."""


class NewerReleaseError(ReleaseError):
    """Release published by a newer version of Belvedere."""


HeatMap = tuple[tuple[float, ...], ...]
"""Rows of a coarse grid over an image: contribution of each cell to the prediction, 0-1."""


class Misclassified(FrozenModel):
    """Validation image that the published model misclassifies."""

    id: str
    label: str
    predicted: str
    true_probability: float
    heat: HeatMap = ()


class LabelIssue(FrozenModel):
    """Image with a likely label error."""

    id: str
    label: str
    suggested: str
    label_probability: float
    """Out-of-fold probability of its label, 0-1; folds are split by photographer."""
    suggested_probability: float


ERROR_LIST = TypeAdapter(tuple[Misclassified, ...])
LABEL_ISSUE_LIST = TypeAdapter(tuple[LabelIssue, ...])


class _RowsById(Mapping[str, int]):
    """Mapping from ids in ascending order to their rows; a missing id is looked up in NFC.

    The rows of requested ids are cached.
    """

    def __init__(self, ids: Strings) -> None:
        self._ids = ids
        self._find = lru_cache(_ROWS_KEPT)(partial(_find, ids))

    def __getitem__(self, name: str) -> int:
        row = self._find(name)
        if row is None:
            raise KeyError(name)
        return row

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)


def _find(ids: Strings, name: str) -> int | None:
    row = ids.find(name)
    if row is None and (normalized := to_nfc(name)) != name:
        return ids.find(normalized)
    return row


@dataclass(frozen=True)
class Release:
    """Published contents for n images; all arrays and lists have the same order."""

    folder: Path
    manifest: Manifest
    images: Images
    embeddings: Floats
    """Shape (n, dimension), float32."""
    probabilities: Floats
    """Shape (n, classes), float32."""
    points: Points
    """Shape (n, 2), float64: coordinates on the t-SNE map."""
    graph: NeighborGraph
    typicalities: Doubles
    """Shape (n,): typicality of each image, 0-1."""
    learned: Mask
    """Shape (n,): true for the images that the model learned from."""
    training_distances: Doubles
    """Shape (n,): distance of each image to its tenth nearest image that the model learned from."""
    comparison: Comparison
    errors: tuple[Misclassified, ...]
    label_issues: tuple[LabelIssue, ...]
    uncertainty: UncertaintyReport
    typicality: Typicality
    label_loop: LabelLoop | None = None
    """Report of simulated reviews; None if there was none at publishing."""
    neighbor_stages: NeighborStages | None = None
    """Neighbours by several models; None in releases without them."""
    robustness: Robustness | None = None
    """Report on corrupted images; None if there was none at publishing."""
    mapped: tuple[mmap, ...] = ()
    """Files of the arrays and images."""

    def drop_pages(self) -> None:
        """Take the pages of mapped files out of the memory of this process, until they are read."""
        for each in self.mapped:
            each.madvise(MADV_DONTNEED)

    @property
    def encoder(self) -> Path:
        """Path of the OpenVINO model."""
        return self.folder / ENCODER

    @cached_property
    def record(self) -> Callable[[int], StoredImage]:
        """Function that returns the record of a row, with a cache."""
        return lru_cache(_ROWS_KEPT)(self.images.__getitem__)

    @cached_property
    def ids(self) -> Strings:
        """Ids in ascending order."""
        return Strings(self.images.array("id"))

    @cached_property
    def rows(self) -> Mapping[str, int]:
        """Row number of each id; ids are found in any Unicode normalization form."""
        return _RowsById(self.ids)

    def row_of_file(self, digest: str) -> int:
        """Return the row of a file; -1 if there is none."""
        return int(pc.index(self.images.array("digest"), pa.scalar(digest)).as_py())

    @cached_property
    def predicted(self) -> Labels:
        """Shape (n,): number of the most probable class."""
        return np.asarray(np.argmax(self.probabilities, axis=1), dtype=np.int64)


def release_folders(releases: Path) -> list[Path]:
    """Return the folders of all releases, in alphabetical order."""
    found = (each for each in releases.glob("*") if each.is_dir() and not each.is_symlink())
    return sorted(each for each in found if not each.name.startswith("."))


def current_release(releases: Path) -> Path:
    """Return the folder that the link `current` points to. Raises `ReleaseError`."""
    pointer = releases / CURRENT
    if pointer.is_dir():
        return pointer.resolve()
    if pointer.is_symlink():
        raise ReleaseError(
            f"{pointer} points to the release {pointer.readlink()}, which is missing; run "
            "`belvedere publish` again."
        )
    if pointer.exists():
        raise ReleaseError(
            f"{pointer} is a file instead of a link to a release; run `belvedere publish` again."
        )
    raise ReleaseError(f"There is no release under {releases}; run `belvedere publish` first.")


def refuse_newer_release(releases: Path) -> None:
    """Raise `NewerReleaseError` if a newer version published the current release."""
    try:
        read_manifest(current_release(releases))
    except NewerReleaseError:
        raise
    except ReleaseError:
        return


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest and verify its fingerprint. Raises `ReleaseError`."""
    path = folder / MANIFEST
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ReleaseError(
            f"{path} cannot be read ({error.strerror}); publish it again, or give this user access "
            "to it."
        ) from error
    _refuse_other_formats(folder, content)
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        raise ReleaseError(f"{folder} has no readable manifest; publish it again.") from error
    if manifest.sealed().fingerprint != manifest.fingerprint:
        raise ReleaseError(f"The manifest of {folder} was changed; publish it again.")
    return manifest


def _refuse_other_formats(folder: Path, manifest: bytes) -> None:
    try:
        content = json.loads(manifest)
    except ValueError:
        return
    found = content.get("format") if isinstance(content, dict) else None
    if not isinstance(found, int) or found == MANIFEST_FORMAT:
        return
    if found > MANIFEST_FORMAT:
        raise NewerReleaseError(
            f"{folder} was published by a newer version of Belvedere (format {found}; this one "
            f"reads {MANIFEST_FORMAT}); update Belvedere, or set BELVEDERE_HOME to another folder."
        )
    raise ReleaseError(
        f"{folder} was published by an older version of Belvedere; run `belvedere publish` again."
    )


def verify_release(folder: Path) -> Manifest:
    """Verify the fingerprint and the digest of every file. Raises `ReleaseError`."""
    manifest = read_manifest(folder)
    paths = [folder / name for name in manifest.files]
    # Digests are computed outside of the interpreter lock.
    with ThreadPoolExecutor(usable_processors()) as pool:
        list(pool.map(_verify_file, paths, manifest.files.values()))
    return manifest


def is_intact(folder: Path) -> bool:
    """Return True if a folder has a release whose files are those of its manifest."""
    try:
        verify_release(folder)
    except ReleaseError:
        return False
    return True


def _verify_file(path: Path, digest: str) -> None:
    try:
        intact = path.is_file() and file_digest(path) == digest
    except OSError as error:
        raise ReleaseError(
            f"{path} cannot be read ({error.strerror}); publish it again, or give this user access "
            "to it."
        ) from error
    if not intact:
        raise ReleaseError(f"{path} is missing or damaged; publish it again.")


def open_release(folder: Path) -> Release:
    """Verify and open a release. Raises `ReleaseError`."""
    manifest = verify_release(folder)
    missing = _CONTENTS - set(manifest.files)
    if missing:
        raise ReleaseError(
            f"{folder} was published by an older version and lacks {', '.join(sorted(missing))}; "
            "run `belvedere publish` again."
        )
    with _readable(folder):
        return _open(folder, manifest)


def _open(folder: Path, manifest: Manifest) -> Release:
    mapped = tuple(_mapped(folder / name) for name in (FEATURES, IMAGES))
    features, images = map(_table, mapped)
    return Release(
        folder=folder,
        manifest=manifest,
        images=_images(images),
        embeddings=_matrix(features, "embedding", np.float32),
        probabilities=_matrix(features, "probabilities", np.float32),
        points=_matrix(features, "point", np.float64),
        graph=NeighborGraph(
            _matrix(features, "neighbors", np.int64),
            _matrix(features, "distances", np.float64),
            manifest.neighbors.exact,
            manifest.neighbors.recall,
        ),
        typicalities=np.asarray(_array(features, "typicality"), np.float64),
        learned=np.asarray(_array(features, "learned").to_numpy(zero_copy_only=False), np.bool_),
        training_distances=np.asarray(_array(features, "training_distance"), np.float64),
        comparison=Comparison.model_validate_json((folder / COMPARISON).read_bytes()),
        errors=ERROR_LIST.validate_json((folder / ERRORS).read_bytes()),
        label_issues=LABEL_ISSUE_LIST.validate_json((folder / LABEL_ISSUES).read_bytes()),
        uncertainty=UncertaintyReport.model_validate_json((folder / UNCERTAINTY).read_bytes()),
        typicality=Typicality.model_validate_json((folder / TYPICALITY).read_bytes()),
        label_loop=_label_loop(folder, manifest),
        neighbor_stages=_neighbor_stages(folder, manifest),
        robustness=_robustness(folder, manifest),
        mapped=mapped,
    )


def _label_loop(folder: Path, manifest: Manifest) -> LabelLoop | None:
    if LABEL_LOOP not in manifest.files:
        return None
    return LabelLoop.model_validate_json((folder / LABEL_LOOP).read_bytes())


def _neighbor_stages(folder: Path, manifest: Manifest) -> NeighborStages | None:
    if NEIGHBOR_STAGES not in manifest.files:
        return None
    return NeighborStages.model_validate_json((folder / NEIGHBOR_STAGES).read_bytes())


def _robustness(folder: Path, manifest: Manifest) -> Robustness | None:
    if ROBUSTNESS not in manifest.files:
        return None
    return Robustness.model_validate_json((folder / ROBUSTNESS).read_bytes())


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    """Translate the exceptions of libraries for unreadable contents to `ReleaseError`."""
    try:
        yield
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise ReleaseError(
            f"{folder} has contents that this version of Belvedere cannot read; run `belvedere "
            "publish` again."
        ) from error


@dataclass(frozen=True)
class PublishedFeatures:
    """Columns of `features.arrow`, in the order of the images."""

    encoded: Encoded
    points: Points
    graph: NeighborGraph
    typicalities: Doubles
    training_distances: Doubles
    learned: Mask


def write_features(path: Path, ids: list[str], features: PublishedFeatures) -> None:
    """Write ids and arrays of a release to one Arrow file."""
    table = pa.table(
        {
            "id": pa.array(ids),
            "embedding": _column(features.encoded.embeddings),
            "probabilities": _column(features.encoded.probabilities),
            "point": _column(features.points),
            "neighbors": _column(features.graph.rows),
            "distances": _column(features.graph.distances),
            "typicality": pa.array(features.typicalities),
            "training_distance": pa.array(features.training_distances),
            "learned": pa.array(features.learned),
        }
    )
    _write_arrow(path, table)


def write_images(path: Path, images: Images) -> None:
    """Write the records of a release to one Arrow file, without times and paths of sources."""
    _write_arrow(path, images.table.drop_columns(_LEFT_OUT))


def read_embeddings(folder: Path) -> Floats:
    """Return the embeddings of a release, mapped from its file. Raises `ReleaseError`."""
    with _readable(folder):
        return _matrix(_read_arrow(folder / FEATURES), "embedding", np.float32)


def read_ids(folder: Path) -> list[str]:
    """Return the ids of the images of a release. Raises `ReleaseError`."""
    with _readable(folder):
        ids: list[str] = _read_arrow(folder / IMAGES).column("id").to_pylist()
    return ids


def _images(table: pa.Table) -> Images:
    for name in _LEFT_OUT:
        # This type takes no memory.
        table = table.append_column(name, pa.nulls(len(table)))
    fields = [
        table.schema.field(name) if name in _LEFT_OUT else IMAGE_SCHEMA.field(name)
        for name in IMAGE_SCHEMA.names
    ]
    images = Images(table.select(IMAGE_SCHEMA.names).cast(pa.schema(fields)))
    if not is_ascending(images.array("id")):
        raise ValueError("The ids are not in ascending order.")
    return images


def _write_arrow(path: Path, table: pa.Table) -> None:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def _read_arrow(path: Path) -> pa.Table:
    return _table(_mapped(path))


def _mapped(path: Path) -> mmap:
    with path.open("rb") as file:
        return mmap(file.fileno(), 0, access=ACCESS_READ)


def _table(file: mmap) -> pa.Table:
    return pa.ipc.open_file(pa.py_buffer(file)).read_all()


def _column(matrix: npt.NDArray[np.number]) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), matrix.shape[1])


def _matrix(table: pa.Table, name: str, dtype: type[Number]) -> npt.NDArray[Number]:
    column = _array(table, name)
    return np.asarray(column.flatten(), dtype=dtype).reshape(len(column), -1)


def _array(table: pa.Table, name: str) -> pa.Array:
    """Return a column of a file that `_write_arrow` wrote, without a copy."""
    (array,) = table.column(name).chunks
    return array
