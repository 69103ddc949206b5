"""Inspection of a data set: reading of new files, and the reason for each unusable file."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial

from embeddings.images import Formats
from embeddings.ingest.file_types import HEAD, find_format, is_named_as_image
from embeddings.ingest.formats import find_heic_opener, ingest_formats, refuse
from embeddings.ingest.outcomes import SETTLED
from embeddings.ingest.reading import ReadFile, unreadable
from embeddings.progress import Track
from embeddings.ray_cluster import Cluster
from embeddings.store.records import Blob, FileEntry
from embeddings.store.store import Store
from training.data.files import EMPTY_FOLDER, DataFile, DataSource
from training.data.folder_layout import DataLayout, Place, find_layout
from training.data.reading import in_chunks, read_here, read_on

_CHECKPOINT_FILES = 1024
_CHECKPOINT_BYTES = 32 << 20


@dataclass(frozen=True)
class Options:
    """Options of an ingest."""

    label: str | None = None
    """Label of every image; None for the labels of the class folders."""
    unlabelled: bool = False
    """True to add images in no class folder, without a label."""
    keep_location: bool = False
    """True to keep the location in the attributes."""
    restore: bool = False
    """True to add deleted images again."""
    new_class: bool = False
    """True to create classes that the collection does not have."""


@dataclass(frozen=True)
class Listing:
    """Files of a data set in their order; all sequences have one element for each file."""

    layout: DataLayout
    files: Sequence[DataFile]
    places: Sequence[Place]
    reasons: Sequence[str]
    """Reasons for rejecting a file; empty for usable files."""

    @property
    def labels(self) -> set[str]:
        """Classes of the data set, including classes without a usable image."""
        return {place.label for place in self.places if place.label is not None}


@dataclass(frozen=True)
class Inspection(Listing):
    """Files of a data set after reading them."""

    paths: Sequence[str]
    """Paths in the data set; of files of one path, the later ones have a number appended."""
    ledger: Mapping[str, FileEntry]
    """Entries of earlier ingests by path."""
    entries: Sequence[FileEntry | None]
    """Entries of the files that were read, now or earlier."""
    attributes: Mapping[int, str]
    """Attributes of the files that were read now, as JSON, by number; empty ones are left out."""
    read: frozenset[int]
    """Numbers of the files that were read now."""


def list_images(source: DataSource, options: Options, workers: int) -> Listing:
    """List the files of a data set; only their first bytes are read."""
    files = _in_order(source)
    with ThreadPoolExecutor(workers) as pool:
        return _listing(pool, source, options, files, [None] * len(files))


def inspect(
    source: DataSource,
    store: Store,
    options: Options,
    workers: int,
    track: Track,
    cluster: Cluster | None = None,
) -> Inspection:
    """List the files of a data set, and read those that are new or changed.

    Their JPEG files are written to the store in checkpoints, so that an interrupted ingest goes on.
    The order of the files in the data set has no effect. With `cluster`, its nodes decode them.
    """
    files = _in_order(source)
    paths = _distinct_paths(files)
    ledger, blobs = store.files.read(source.key), store.blobs.known()
    formats = ingest_formats(find_heic_opener())
    entries = [
        _unchanged(file, ledger.get(path), blobs) for file, path in zip(files, paths, strict=True)
    ]
    attributes: dict[int, str] = {}
    with ThreadPoolExecutor(workers) as pool:
        listing = _listing(pool, source, options, files, entries)
        files, reasons = listing.files, [*listing.reasons]
        wanted = [n for n, entry in enumerate(entries) if entry is None and not reasons[n]]
        stored = _stored_digests(store, ledger, blobs) if wanted else {}
        read_all = read_here(pool) if cluster is None else read_on(cluster)
        new = [files[number] for number in wanted]
        steps = read_all(new, formats, options.keep_location, stored)
        checkpoints = _Checkpoints(store, blobs)
        for position, read in track(steps, "Reading images", len(wanted)) if wanted else ():
            number = wanted[position]
            path = paths[number]
            entry = _entry(source.key, path, files[number], read, ledger.get(path))
            checkpoints.add(entry, read.blob)
            entries[number], reasons[number] = entry, read.reason
            if read.attributes:
                attributes[number] = read.attributes
        checkpoints.write()
    return Inspection(
        listing.layout, files, listing.places, reasons,
        paths, ledger, entries, attributes, frozenset(wanted),
    )  # fmt: skip


def _in_order(source: DataSource) -> Sequence[DataFile]:
    return sorted(source.list_files(), key=lambda file: (file.name.split("/"), file.state))


def _listing(
    pool: ThreadPoolExecutor,
    source: DataSource,
    options: Options,
    files: Sequence[DataFile],
    entries: Sequence[FileEntry | None],
) -> Listing:
    formats = ingest_formats(find_heic_opener())
    files, images = _recognise_all(pool, files, entries, formats)
    layout = source.layout or find_layout([file.path for file in images])
    places = list(_shared(_place(file, layout, options) for file in files))
    reasons = [
        _reason(file, place, entry, options.unlabelled)
        for file, place, entry in zip(files, places, entries, strict=True)
    ]
    return Listing(layout, files, places, reasons)


def _shared(places: Iterable[Place]) -> Iterator[Place]:
    """Yield one object for all equal places, of which a large data set has few."""
    known: dict[Place, Place] = {}
    for place in places:
        yield known.setdefault(place, place)


def _recognise_all(
    pool: ThreadPoolExecutor,
    files: Sequence[DataFile],
    entries: Sequence[FileEntry | None],
    formats: Formats,
) -> tuple[list[DataFile], list[DataFile]]:
    """Return all files, refused by their magic bytes if necessary, and the image files.

    A file that was read before is an image file.
    """
    unknown = [file for file, entry in zip(files, entries, strict=True) if entry is None]
    found = in_chunks(pool, partial(_recognise, formats), unknown)
    recognised, images = [], []
    for file, entry in zip(files, entries, strict=True):
        checked, is_image = next(found) if entry is None else (file, True)
        recognised.append(checked)
        if is_image:
            images.append(checked)
    return recognised, images


def _distinct_paths(files: Sequence[DataFile]) -> list[str]:
    seen: Counter[str] = Counter()
    paths = []
    for file in files:
        path = file.name
        seen[path] += 1
        paths.append(path if seen[path] == 1 else f"{path} ({seen[path]})")
    return paths


def _unchanged(file: DataFile, entry: FileEntry | None, known: set[str]) -> FileEntry | None:
    """Return the entry of a file that was read before and has not changed since."""
    if entry is None or file.refused or (entry.size, entry.state) != (file.size, file.state):
        return None
    return entry if entry.digest is None or entry.digest in known else None


def _recognise(formats: Formats, file: DataFile) -> tuple[DataFile, bool]:
    """Return the file, refused by its magic bytes if necessary, and whether it is an image file."""
    named = is_named_as_image(file.path) and not file.is_ignored
    if file.refused:
        return file, named
    if file.size == 0:
        return replace(file, refused="empty file"), named
    try:
        head = file.start(HEAD)
    except Exception as error:  # a damaged archive member raises exceptions of many types
        return replace(file, refused=unreadable(error)), named
    reason = refuse(head, formats)
    if reason is None:
        return file, True
    if find_format(head) is not None:
        return replace(file, refused=reason), True
    return replace(file, refused=f"unreadable: {reason}" if named else reason), named


def _place(file: DataFile, layout: DataLayout, options: Options) -> Place:
    """Return the class of a file; an empty folder is a class without images."""
    path = file.path / "file" if file.refused == EMPTY_FOLDER else file.path
    place = layout.place(path)
    if options.label is not None and not file.is_ignored:
        return Place(options.label)
    return place


def _reason(file: DataFile, place: Place, entry: FileEntry | None, unlabelled: bool) -> str:
    """Return the reason for rejecting a file that is known before it is read."""
    if file.refused:
        return file.refused
    if place.label is None and not unlabelled:
        return place.reason
    if file.too_large:
        return "larger than 200 MiB"
    return "" if entry is None or entry.digest is not None else entry.reason


def _stored_digests(
    store: Store, ledger: Mapping[str, FileEntry], blobs: Collection[str]
) -> dict[str, str]:
    """Return the digest of the JPEG file for each digest of a source file."""
    images = store.at().all
    pairs = [
        *zip(images.column("source_digest"), images.digests, strict=True),
        *((entry.source_digest, entry.digest) for entry in ledger.values()),
    ]
    return {source: digest for source, digest in pairs if source and digest and digest in blobs}


@dataclass
class _Checkpoints:
    """Writer of the files that were read: their JPEG files first, then their ledger entries."""

    store: Store
    known: set[str]
    """Digests of all stored JPEG files; grows with each added file."""
    blobs: list[Blob] = field(default_factory=list)
    entries: list[FileEntry] = field(default_factory=list)
    size: int = 0

    def add(self, entry: FileEntry, blob: Blob | None) -> None:
        """Add a file; a checkpoint is written after 1,024 files or 32 MiB."""
        if blob is not None and blob.digest not in self.known:
            self.known.add(blob.digest)
            self.blobs.append(blob)
            self.size += len(blob.jpeg)
        if entry.source_digest is not None:
            self.entries.append(entry)
        if len(self.entries) >= _CHECKPOINT_FILES or self.size >= _CHECKPOINT_BYTES:
            self.write()

    def write(self) -> None:
        """Write what was added since the last checkpoint."""
        self.store.blobs.append(self.blobs)
        self.store.files.upsert(self.entries)
        self.blobs, self.entries, self.size = [], [], 0


def _entry(
    source: str, path: str, file: DataFile, read: ReadFile, old: FileEntry | None
) -> FileEntry:
    # The id tells the image to replace, also if this ingest is interrupted.
    known = old.id if old is not None and old.outcome in (*SETTLED, "") else None
    outcome = "rejected" if read.digest is None else ""
    return FileEntry(
        source, path, file.size, file.state, read.source_digest, read.digest,
        known, outcome, read.reason,
    )  # fmt: skip
