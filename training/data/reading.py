"""Reading of the new files of a data set: by threads of this process, or on a Ray cluster."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from hashlib import sha256
from itertools import islice
from typing import TypeVar

from embeddings.images import Formats
from embeddings.ingest.reading import ReadFile, read_content, read_contents, unreadable
from embeddings.ray_cluster import Cluster
from training.data.files import DataFile

S = TypeVar("S")
T = TypeVar("T")

_CHUNK = 64
_BATCH_FILES = 32
_BATCH_BYTES = 8 << 20

ReadAll = Callable[
    [Sequence[DataFile], Formats, bool, Mapping[str, str]], Iterator[tuple[int, ReadFile]]
]
"""Reads files, given the accepted formats, whether to keep the location, and the digest of the JPEG
file for each stored digest of a source file; yields each result with its position, in any order."""


def read_here(pool: Executor) -> ReadAll:
    """Return the function that reads files with the threads of a pool."""

    def read_all(
        files: Sequence[DataFile], formats: Formats, keep_location: bool, stored: Mapping[str, str]
    ) -> Iterator[tuple[int, ReadFile]]:
        def read(file: DataFile) -> ReadFile:
            content = _content(file)
            if isinstance(content, ReadFile):
                return content
            return read_content(content, formats, keep_location, stored)

        return enumerate(in_chunks(pool, read, files))

    return read_all


def read_on(cluster: Cluster) -> ReadAll:
    """Return the function that decodes files on the nodes of a cluster.

    This process opens the files, which may be in a folder of its machine or in a zip, and sends
    their contents, unless they are stored already. Nodes return the JPEG files.
    """

    def read_all(
        files: Sequence[DataFile], formats: Formats, keep_location: bool, stored: Mapping[str, str]
    ) -> Iterator[tuple[int, ReadFile]]:
        here: list[tuple[int, ReadFile]] = []

        def batches() -> Iterator[list[tuple[int, bytes]]]:
            batch: list[tuple[int, bytes]] = []
            size = 0
            for number, file in enumerate(files):
                content = _content(file)
                if isinstance(content, ReadFile):
                    here.append((number, content))
                elif sha256(content).hexdigest() in stored:
                    known = read_content(content, formats, keep_location, stored)
                    here.append((number, known))
                else:
                    batch.append((number, content))
                    size += len(content)
                if len(batch) >= _BATCH_FILES or size >= _BATCH_BYTES:
                    yield batch
                    batch, size = [], 0
            if batch:
                yield batch

        for results in cluster.run(read_contents, [keep_location], batches()):
            yield from _taken(here)
            yield from results
        yield from _taken(here)

    return read_all


def in_chunks(pool: Executor, work: Callable[[S], T], items: Sequence[S]) -> Iterator[T]:
    """Yield results in order from several threads; at most 64 items are in memory at once."""
    source = iter(items)
    while chunk := list(islice(source, _CHUNK)):
        yield from pool.map(work, chunk)


def _content(file: DataFile) -> bytes | ReadFile:
    """Return the content of a file, or the reason for rejecting it."""
    try:
        return file.read()
    except Exception as error:  # a damaged archive member raises exceptions of many types
        return ReadFile(reason=unreadable(error))


def _taken(results: list[T]) -> Iterator[T]:
    while results:
        yield results.pop()
