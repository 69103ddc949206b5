"""Download of the published ml5 archive and its licence lists, each verified by its digest."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha1
from pathlib import Path

import httpx

from embeddings.atomic import atomic_file
from embeddings.digests import file_digest
from embeddings.errors import BelvedereError

_REPOSITORY = (
    "https://raw.githubusercontent.com/ml5js/ml5-data-and-models"
    "/0612a3e7c51cbffdc5db701dff49d16d1ac26fa8/datasets/images/landscapes"
)
_TIMEOUT_SECONDS = 15.0

_LICENCES = {
    "city_photos_info.json": "4695aed591699e4f35cfeb8f29e0f44ffc60fdba022450f6e51f9607622db193",
    "field_photos_info.json": "34b20ab8b7f44174f497165d9d5c954ed9661d3e899818941f44cb2a938205f2",
    "forest_photos_info.json": "36405da98515b0127c611fc6a61869bda3b48655c4b8b98bee653dd314305424",
    "lake_photos_info.json": "12355f51ab2947b90ee0286bee1c3a5e767fe119c97f419dacc626c767aacf6d",
    "mountain_photos_info.json": "c109e7c54381520b1786c88f514af5f4d0311259941437adf2ea5f3a42433e18",
    "ocean_photos_info.json": "fd430f7e8b75086c85592e138349f815a50df9e23ea49fa9401d863b510f8a87",
    "road_photos_info.json": "4863946f4e48a03bfaf4fff5b9eea7ffd91955e5709b9572763467287022fad5",
}

Advance = Callable[[int, int], None]
"""Progress callback: bytes received, bytes in all (0 if unknown)."""

Digest = Callable[[Path], str]


@dataclass(frozen=True)
class PublishedArchive:
    """Addresses and digests of the archive and its licence lists."""

    url: str = f"{_REPOSITORY}/landscapes_small.zip"
    git_blob: str = "0f69e1ecd5f2876726961c07e739edca4429c2bf"
    """Git blob id of the archive: the digest that its publisher gives."""
    licences_url: str = f"{_REPOSITORY}/licenses"
    licences: Mapping[str, str] = field(default_factory=_LICENCES.copy)
    """SHA-256 of each licence list, by file name."""


class DownloadError(BelvedereError):
    """The download failed; the message gives the reason."""


def fetch(published: PublishedArchive, folder: Path, advance: Advance) -> Path:
    """Return the path of the archive in `folder`; download it and its licence lists if missing.

    A file gets its name after it was verified and flushed to disk; files that exist are not
    verified again. Raises `DownloadError`.
    """
    target = folder / published.url.rsplit("/", 1)[-1]
    licences = folder / "licenses"
    licences.mkdir(parents=True, exist_ok=True)
    for name, sha256 in published.licences.items():
        url = f"{published.licences_url}/{name}"
        _download(url, licences / name, file_digest, sha256, lambda *_: None)
    _download(published.url, target, git_blob_id, published.git_blob, advance)
    return target


def git_blob_id(path: Path) -> str:
    """Return the id that git gives a file: SHA-1 over a header with its size, and its content."""
    header = f"blob {path.stat().st_size}\0".encode()
    digest = sha1(header, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(1 << 18):
            digest.update(chunk)
    return digest.hexdigest()


def _download(url: str, target: Path, digest: Digest, expected: str, advance: Advance) -> None:
    if target.exists():
        return
    with atomic_file(target) as partial:
        _copy(url, partial, advance)
        found = digest(partial)
        if found != expected:
            raise DownloadError(
                f"{url} is not the published file: its digest is {found}, not {expected}."
            )


def _copy(url: str, target: Path, advance: Advance) -> None:
    try:
        with (
            httpx.stream("GET", url, timeout=_TIMEOUT_SECONDS, follow_redirects=True) as response,
            target.open("wb") as file,
        ):
            if not response.is_success:
                raise DownloadError(f"{url} could not be downloaded (HTTP {response.status_code}).")
            total = int(response.headers.get("Content-Length", 0))
            for chunk in response.iter_bytes():
                file.write(chunk)
                advance(response.num_bytes_downloaded, total)
    except httpx.HTTPError as error:
        reason = str(error) or type(error).__name__
        raise DownloadError(f"{url} could not be downloaded ({reason}).") from error
