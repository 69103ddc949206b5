"""Home of a large generated collection: a store and a release, as publishing writes them.

The encoder and the evidence are those of a published release. Embeddings are generated: clusters
around those of the release, of different widths with random directions whose variances decrease as
those of real embeddings do (1/i for the i-th direction). Neighbours, distances to training images
and places on the map are arbitrary, because a million true ones take hours.
"""

import io
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image

from embeddings.arrays import Floats
from embeddings.atomic import atomic_symlink
from embeddings.digests import file_digest
from embeddings.encoded import Encoded
from embeddings.index import IndexContents, SealedIndex
from embeddings.index.flat import FlatIndex
from embeddings.index.knn_graph import DEGREE, NeighborGraph
from embeddings.recognition import NEIGHBOR
from embeddings.release.manifest import MANIFEST, DataInfo, IndexInfo, Manifest, TrainingInfo
from embeddings.release.reader import (
    COMPARISON,
    CURRENT,
    ENCODER,
    ERRORS,
    FEATURES,
    IMAGES,
    LABEL_ISSUES,
    TYPICALITY,
    UNCERTAINTY,
    WEIGHTS,
    PublishedFeatures,
    Release,
    read_embeddings,
    write_features,
    write_images,
)
from embeddings.release.sealed_index import build_index
from embeddings.settings import IndexSettings
from embeddings.store.blobs import BLOB_SCHEMA, THUMBNAIL_BYTES
from embeddings.store.records import IMAGE_SCHEMA, Images
from embeddings.store.store import Store
from embeddings.store.tables import append_rows

_DIRECTIONS = 64
_WIDTHS = (0.15, 0.45)
"""Radii of clusters relative to the distance of two images of the release."""
_TRAINING = "training-generated"
_ROWS_AT_ONCE = 8192
_SEED = 0


@dataclass(frozen=True)
class LargeHome:
    """Home with a store and the contents of a release that is not sealed."""

    home: Path
    source: Release
    revision: int
    images: Images
    vectors: str
    """Digest of the ids and embeddings."""

    @property
    def contents(self) -> Path:
        """Folder of the files of the release."""
        return self.home / "contents"

    def publish(self, settings: IndexSettings) -> Path:
        """Build an index of the kind of the settings, make the release current, return its folder.

        Releases with different kinds share the other files.
        """
        draft = self.home / "releases" / "draft"
        shutil.copytree(self.contents, draft, copy_function=os.link)
        contents = IndexContents(read_embeddings(draft), self.vectors)
        sealed = build_index(draft, contents, self.home / "releases", settings)
        manifest = self._manifest(draft, sealed)
        (draft / MANIFEST).write_text(manifest.model_dump_json(indent=2), encoding="utf-8")
        Store(str(self.home / "store")).tag(manifest.tag, self.revision)
        folder = self.home / "releases" / manifest.folder
        shutil.rmtree(folder, ignore_errors=True)
        draft.rename(folder)
        atomic_symlink(folder.with_name(CURRENT), folder.name)
        return folder

    def _manifest(self, draft: Path, sealed: SealedIndex) -> Manifest:
        images, splits = self.images, self.images.splits
        changed = {
            "data": DataInfo(
                name=images.name,
                fingerprint=images.fingerprint,
                photographs=len(images),
                revision=self.revision,
            ),
            "training": TrainingInfo(
                version=_TRAINING,
                revision=self.revision,
                images=int((splits == "train").sum()),
                validation=int((splits == "validation").sum()),
            ),
            "neighbors": IndexInfo(exact=False, recall=0.0),
            "vectors": self.vectors,
            "index": sealed,
            "files": {
                path.relative_to(draft).as_posix(): file_digest(path)
                for path in sorted(draft.rglob("*"))
                if path.is_file()
            },
        }
        return self.source.manifest.model_copy(update=changed).sealed()


def write_large_home(home: Path, source: Release, source_store: Store, count: int) -> LargeHome:
    """Write the store and the contents of a release of `count` images to a new home.

    Image 0 is that of `source`, so that the encoder can be tested; the others have a small JPEG
    file, each with another ending.
    """
    jpeg = source_store.at().jpeg(source.images.digests[0])
    store = Store(str(home / "store"))
    store.create(split_seed=0, split_rule=3)
    append_rows(store.blobs.path, _blobs(count, jpeg))
    images = _images(source, count, jpeg)
    revision = store.images.insert(images, store.images.open().revision)
    store.tag(_TRAINING, revision)
    embeddings = clustered_embeddings(source.embeddings, count)
    embeddings[0] = source.embeddings[0]
    made = LargeHome(
        home, source, revision, images, IndexContents.of(images.ids, embeddings).digest
    )
    made.contents.mkdir()
    for name in (ENCODER, WEIGHTS, COMPARISON, UNCERTAINTY, TYPICALITY):
        shutil.copyfile(source.folder / name, made.contents / name)
    for name in (ERRORS, LABEL_ISSUES):
        (made.contents / name).write_text("[]", "utf-8")
    write_images(made.contents / IMAGES, images)
    features = _features(source, images, embeddings)
    write_features(made.contents / FEATURES, images.ids, features)
    encoder = source.manifest.encoder.fingerprint
    store.features(encoder).append(images.digests, features.encoded)
    return made


def clustered_embeddings(centres: Floats, count: int) -> Floats:
    """Return embeddings of shape (count, dimension) in clusters around centres, in mixed order."""
    chance = np.random.default_rng(_SEED)
    dimension = centres.shape[1]
    spread = np.arange(1, _DIRECTIONS + 1, dtype=np.float32) ** -0.5
    spread /= np.linalg.norm(spread)
    pairs = chance.integers(0, len(centres), (2, 1000))
    apart = float(np.median(np.linalg.norm(centres[pairs[0]] - centres[pairs[1]], axis=1)))
    cluster = np.sort(chance.integers(0, len(centres), count))
    chance.shuffle(order := np.arange(count))
    embeddings = np.empty((count, dimension), np.float32)
    ends = np.searchsorted(cluster, np.arange(len(centres) + 1))
    for number, (start, end) in enumerate(pairwise(ends)):
        directions = chance.standard_normal((_DIRECTIONS, dimension), np.float32)
        directions *= apart * chance.uniform(*_WIDTHS) / np.sqrt(dimension)
        steps = chance.standard_normal((end - start, _DIRECTIONS), np.float32)
        embeddings[order[start:end]] = centres[number] + (steps * spread) @ directions
    return embeddings


def _jpegs(count: int, first: bytes) -> Iterator[bytes]:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), (120, 130, 140)).save(buffer, "JPEG")
    yield first
    for number in range(1, count):
        # Decoders ignore bytes after the end of an image.
        yield buffer.getvalue() + number.to_bytes(8, "big")


def _blobs(count: int, first: bytes) -> pa.RecordBatchReader:
    def batches() -> Iterator[pa.RecordBatch]:
        jpegs, thumbnail = _jpegs(count, first), bytes(THUMBNAIL_BYTES)
        for start in range(0, count, _ROWS_AT_ONCE):
            some = [next(jpegs) for _ in range(min(_ROWS_AT_ONCE, count - start))]
            columns = {
                "digest": [sha256(each).hexdigest() for each in some],
                "jpeg": some,
                "width": [16] * len(some),
                "height": [16] * len(some),
                "thumbnail": [thumbnail] * len(some),
            }
            yield pa.RecordBatch.from_pydict(columns, schema=BLOB_SCHEMA)

    return pa.RecordBatchReader.from_batches(BLOB_SCHEMA, batches())


def _images(source: Release, count: int, first: bytes) -> Images:
    classes, numbers = source.manifest.classes, range(count)
    labels = [classes[number * len(classes) // count] for number in numbers]
    digests = [sha256(each).hexdigest() for each in _jpegs(count, first)]
    now = datetime.now(UTC)
    names = [f"{number:07}.jpg" for number in numbers]
    columns = {
        "id": [f"{label}/{name}" for label, name in zip(labels, names, strict=True)],
        "label": labels,
        "split": ["validation" if number % 5 == 0 else "train" for number in numbers],
        "tuning": [number % 10 == 1 for number in numbers],
        "group": numbers,
        "digest": digests,
        "source_digest": digests,
        "width": [16] * count,
        "height": [16] * count,
        "title": names,
        "photographer": [f"photographer {number % 9973}" for number in numbers],
        "photographer_id": [f"{number % 9973}@N00" for number in numbers],
        "licence": ["4"] * count,
        "url": [f"https://images.example/{name}" for name in names],
        "attributes": ["{}"] * count,
        "source": ["generated embeddings"] * count,
        "path": names,
        "tags": [[]] * count,
        "added": [now] * count,
        "changed": [now] * count,
    }
    arrays = [
        pa.array(columns[field.name], field.type)
        if field.name in columns
        else pa.nulls(count, field.type)
        for field in IMAGE_SCHEMA
    ]
    return Images(pa.Table.from_arrays(arrays, schema=IMAGE_SCHEMA))


def _features(source: Release, images: Images, embeddings: Floats) -> PublishedFeatures:
    chance = np.random.default_rng(_SEED)
    count = len(images)
    index = FlatIndex(embeddings)
    sample = chance.integers(0, count, 20)
    near = [index.search(embeddings[row], NEIGHBOR, exclude=int(row)) for row in sample]
    distances = np.median([each.distances for each in near], axis=0)
    graph = NeighborGraph(
        chance.integers(0, count, (count, DEGREE)),
        np.tile(distances[:DEGREE], (count, 1)),
        exact=False,
        recall=0.0,
    )
    rows = np.arange(count) % len(source.images)
    return PublishedFeatures(
        encoded=Encoded(embeddings, source.probabilities[rows]),
        points=chance.normal(0, 30, (count, 2)),
        graph=graph,
        typicalities=chance.uniform(0, 1, count),
        training_distances=np.full(count, distances[-1]),
        learned=images.splits == "train",
    )
