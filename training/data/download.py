"""The published ml5 archive: downloaded under a temporary name, verified, then renamed."""

import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha1
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from embeddings.atomic import atomic_file
from embeddings.errors import BelvedereError

_REPOSITORY = (
    "https://raw.githubusercontent.com/ml5js/ml5-data-and-models/master/datasets/images/landscapes"
)
_TIMEOUT_SECONDS = 15.0
_CHUNK = 1 << 18

Advance = Callable[[int, int], None]
"""Told (bytes so far, bytes in all; 0 where unknown)."""


@dataclass(frozen=True)
class PublishedArchive:
    """Where the archive and its licence lists are published, and how it is known to be whole."""

    url: str = f"{_REPOSITORY}/landscapes_small.zip"
    git_blob: str = "0f69e1ecd5f2876726961c07e739edca4429c2bf"
    licences_url: str = f"{_REPOSITORY}/licenses"
    classes: tuple[str, ...] = ("city", "field", "forest", "lake", "mountain", "ocean", "road")


class DownloadError(BelvedereError):
    """The archive could not be had; the message says why."""


def fetch(published: PublishedArchive, folder: Path, advance: Advance) -> Path:
    """Return the archive in `folder`, downloading it and its licence lists where they are missing.

    What is there already was verified when it was written. Raises `DownloadError`.
    """
    target = folder / published.url.rsplit("/", 1)[-1]
    licences = folder / "licenses"
    licences.mkdir(parents=True, exist_ok=True)
    for label in published.classes:
        name = f"{label}_photos_info.json"
        if not (licences / name).exists():
            _download(f"{published.licences_url}/{name}", licences / name, None, lambda *_: None)
    if not target.exists():
        _download(published.url, target, published.git_blob, advance)
    return target


def git_blob_id(path: Path) -> str:
    """The id that git gives a file: SHA-1 over a header with its size, and its content."""
    digest = sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _download(url: str, target: Path, blob: str | None, advance: Advance) -> None:
    with atomic_file(target) as partial:
        _copy(url, partial, advance)
        if blob is not None and git_blob_id(partial) != blob:
            raise DownloadError(f"{url} is not the published file: its git blob id is not {blob}.")


def _copy(url: str, target: Path, advance: Advance) -> None:
    try:
        answer = urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS)
    except OSError as error:
        raise DownloadError(f"{url} could not be downloaded ({error}).") from error
    with answer, target.open("wb") as file:
        total, done = int(answer.headers.get("Content-Length") or 0), 0
        while chunk := _receive(url, answer):
            file.write(chunk)
            done += len(chunk)
            advance(done, total)
    if total and done != total:
        raise DownloadError(f"{url} was cut short after {done} of {total} bytes; try again.")


def _receive(url: str, answer: HTTPResponse) -> bytes:
    """Receive a chunk; told apart from writing it, whose errors are the disk's."""
    try:
        return answer.read(_CHUNK)
    except (OSError, HTTPException) as error:
        raise DownloadError(f"{url} broke off ({error}); try again.") from error
