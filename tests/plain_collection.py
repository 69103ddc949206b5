"""Plain model of a collection: dictionaries, and brute-force search in double precision.

It is the oracle of the state machines. It states the rules of single changes and of search once
more, without any table or index.
"""

import atexit
import io
import shutil
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from unicodedata import normalize

import numpy as np
import numpy.typing as npt
from PIL import Image

from embeddings.atomic import atomic_symlink
from embeddings.ingest.formats import ingest_formats
from embeddings.ingest.stored_file import as_stored
from embeddings.release.reader import CURRENT, current_release
from embeddings.store.records import Blob
from tests.tiny_release import LABELS, draw, make_home, publish_another

SCENES = 6

STEP = 36
"""Every so many images of the tiny release are changed."""

Vectors = Mapping[str, npt.NDArray[np.float32]]
"""Embedding of each stored file, by digest."""


@dataclass(frozen=True)
class Drawing:
    """Image file that can be sent."""

    scene: int
    """Number of the scene; files of one scene show the same image, encoded otherwise."""
    content: bytes

    @cached_property
    def blob(self) -> Blob:
        """Stored form of the file."""
        return as_stored(self.content, ingest_formats(None), keep_location=False)

    @cached_property
    def source_digest(self) -> str:
        """SHA-256 of the file."""
        return sha256(self.content).hexdigest()


def draw_files(seed: int = 17) -> tuple[Drawing, ...]:
    """Draw scenes that are unlike each other, three files of each.

    The first two have equal pixels, so that their embeddings are equal, too.
    """
    rng = np.random.default_rng(seed)
    drawings = []
    for scene in range(SCENES):
        colours = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
        drawn = Image.fromarray(colours).resize((180, 120), Image.Resampling.BICUBIC)
        for quality, optimize in ((90, False), (90, True), (70, False)):
            buffer = io.BytesIO()
            drawn.save(buffer, "JPEG", quality=quality, optimize=optimize)
            drawings.append(Drawing(scene, buffer.getvalue()))
    return tuple(drawings)


@cache
def two_models() -> Path:
    """Return a home with a release of each of two models, made once."""
    folder = Path(tempfile.mkdtemp(prefix="two-models-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    make_home(folder)
    first = current_release(folder / "releases")
    publish_another(folder, dimension=8)
    atomic_symlink(folder / "releases" / CURRENT, first.name)
    return folder


@cache
def files() -> tuple[Drawing, ...]:
    """Return the files to send: drawn ones, and some that the tiny release has."""
    known = [Drawing(-1 - row, jpeg) for row, jpeg in enumerate(draw().jpegs)]
    return (*draw_files(), *known[::STEP])


def drawing_of(source_digest: str) -> Drawing:
    """Return the file to send with a digest."""
    return next(each for each in files() if each.source_digest == source_digest)


@cache
def stored_files() -> dict[str, bytes]:
    """Return all stored files by digest."""
    stored = (each.blob.jpeg for each in files())
    return {sha256(each).hexdigest(): each for each in (*draw().jpegs, *stored)}


@dataclass(frozen=True)
class Plain:
    """Image of the model."""

    label: str | None
    source_digest: str
    digest: str
    scene: int
    deleted: bool = False


class Refused(Exception):
    """Change that the model refuses; its text is the name of the error."""


@dataclass
class PlainCollection:
    """Images by id, and those after each revision."""

    images: dict[str, Plain] = field(default_factory=dict)
    at: dict[int, Mapping[str, Plain]] = field(default_factory=dict)
    """Images after each revision."""

    @property
    def live(self) -> dict[str, Plain]:
        """Images that are not deleted."""
        return {name: each for name, each in self.images.items() if not each.deleted}

    def commit(self, revision: int) -> None:
        """Record the present images as those of a revision."""
        self.at[revision] = dict(self.images)

    @property
    def held(self) -> list[Drawing]:
        """Files that an image has or had, or all files if there are none."""
        digests = {each.source_digest for each in self.images.values()}
        return [each for each in files() if each.source_digest in digests] or [*files()]

    def as_of(self, revision: int) -> Mapping[str, Plain]:
        """Return the images at a revision, which may have changed no image."""
        return self.at[max(each for each in self.at if each <= revision)]

    def put(
        self, name: str, label: str | None, drawing: Drawing, *, restore: bool
    ) -> tuple[str, set[str]]:
        """Add or replace an image.

        Returns the outcome, and the ids of the images one of which it concerns.
        """
        name = normalize("NFC", name)
        holders = {each for each, image in self.images.items() if _holds(image, drawing)}
        live = {each for each in holders if not self.images[each].deleted}
        before = self.images.get(name)
        if live and name not in live:
            return self._stored(label, live)
        if holders and not live and not restore:
            return "deleted_before", {name} if name in holders else holders
        if name in holders and before is not None:
            return self._same(name, before, label)
        if label is None and before is not None:
            label = before.label
        copies = {
            each
            for each, image in self.live.items()
            if image.scene == drawing.scene and each != name and image.label not in (None, label)
        }
        if copies and label is not None:
            return "conflict", copies
        self.images[name] = Plain(label, drawing.source_digest, drawing.blob.digest, drawing.scene)
        return ("added" if before is None or before.deleted else "replaced"), {name}

    def _stored(self, label: str | None, live: set[str]) -> tuple[str, set[str]]:
        """Put the content of another image."""
        labels = {self.images[each].label for each in live}
        return ("duplicate_of" if label is None or labels & {None, label} else "conflict"), live

    def _same(self, name: str, before: Plain, label: str | None) -> tuple[str, set[str]]:
        """Put the content that the image has already."""
        label = before.label if label is None else label
        self.images[name] = replace(before, label=label, deleted=False)
        if before.deleted:
            return "added", {name}
        return ("unchanged" if label == before.label else "relabelled"), {name}

    def relabel(self, name: str, label: str, *, stale: bool = False) -> str:
        """Change a label and return the outcome. Raises `Refused`."""
        known = self.live.get(normalize("NFC", name))
        if known is None:
            raise Refused("UnknownImage")
        if known.label == label:
            return "unchanged"
        if stale:
            raise Refused("ImageChanged")
        self.images[normalize("NFC", name)] = replace(known, label=label)
        return "relabelled"

    def delete(self, names: Collection[str]) -> str:
        """Delete images and return the outcome. Raises `Refused`."""
        return self._mark(names, "deleted", deleted=True)

    def restore(self, names: Collection[str]) -> str:
        """Restore images and return the outcome. Raises `Refused`."""
        return self._mark(names, "restored", deleted=False)

    def _mark(self, names: Collection[str], outcome: str, *, deleted: bool) -> str:
        chosen = {normalize("NFC", name) for name in names}
        if not chosen <= self.images.keys():
            raise Refused("UnknownImage")
        changed = {name for name in chosen if self.images[name].deleted is not deleted}
        if not deleted and any(self._has_copy(name, changed) for name in changed):
            raise Refused("InvalidChange")
        for name in changed:
            self.images[name] = replace(self.images[name], deleted=deleted)
        return outcome if changed else "unchanged"

    def _has_copy(self, name: str, restored: Collection[str]) -> bool:
        """Return whether another image, live or restored, has the content of an image."""
        content = self.images[name].digest
        others = {*self.live, *restored} - {name}
        return any(self.images[each].digest == content for each in others)


def _holds(image: Plain, drawing: Drawing) -> bool:
    digests = {drawing.source_digest, drawing.blob.digest}
    return bool(digests & {image.source_digest, image.digest})


@dataclass(frozen=True)
class Search:
    """Brute-force search over the live images of a collection."""

    ids: Sequence[str]
    """Ascending."""
    embeddings: npt.NDArray[np.float64]
    """Shape (len(ids), dimension)."""

    @classmethod
    def of(cls, images: Mapping[str, Plain], vectors: Vectors) -> "Search":
        """Return the search over the live images."""
        ids = sorted(name for name, each in images.items() if not each.deleted)
        return cls(ids, np.array([vectors[images[name].digest] for name in ids], np.float64))

    def nearest(
        self, query: npt.NDArray[np.float64], k: int, among: Iterable[str]
    ) -> list[tuple[str, float]]:
        """Return the `k` nearest of some images with their distances; ties are ordered by id."""
        chosen = set(among)
        rows = [row for row, name in enumerate(self.ids) if name in chosen]
        distances = np.linalg.norm(self.embeddings[rows] - query, axis=1)
        # The sort is stable and the ids are ascending.
        order = np.argsort(distances, kind="stable")[:k].tolist()
        return [(self.ids[rows[each]], float(distances[each])) for each in order]

    def neighbors(self, name: str, k: int, among: Iterable[str]) -> list[tuple[str, float]]:
        """Return the `k` nearest of some images to a stored image, without itself."""
        return self.nearest(self.embeddings[self.ids.index(name)], k, set(among) - {name})

    def all_neighbors(self, k: int) -> dict[str, list[tuple[str, float]]]:
        """Return the `k` nearest images to each image."""
        found = {}
        for row, name in enumerate(self.ids):
            distances = np.linalg.norm(self.embeddings - self.embeddings[row], axis=1)
            distances[row] = np.inf
            order = np.argsort(distances, kind="stable")[: min(k, len(self.ids) - 1)].tolist()
            found[name] = [(self.ids[each], float(distances[each])) for each in order]
        return found


NAMES = tuple(
    f"{folder}/{name}"
    for folder in ("lake", normalize("NFD", "Wälder"))
    for name in ("a b#c?d%2F&e", "山")
)
"""Ids of images to add; those of the last folder are not in the stored form NFC."""

NEW_LABELS = (*LABELS[:3], "swamp")
"""Labels to give: classes of the model, and one that it does not know."""
