"""The files of the page as they are sent: read and compressed once, known by their digest."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import distribution
from pathlib import Path

_WEB = Path(__file__).parent / "web"
_D3 = ("mpld3", "mpld3/js/d3.v5.min.js")
"""Importing that package would import matplotlib, which only its Python needs."""

_KINDS = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class Asset:
    """One file."""

    media_type: str
    plain: bytes
    compressed: bytes
    """The same with gzip."""
    digest: str


@cache
def assets() -> Mapping[str, Asset]:
    """All files of the page by their path, such as `js/app.js`; D3 is `d3.js`."""
    package, file = _D3
    paths = {
        path.relative_to(_WEB).as_posix(): path
        for path in _WEB.rglob("*.*")
        if path.suffix in _KINDS
    }
    paths["d3.js"] = Path(str(distribution(package).locate_file(file)))
    return {name: _asset(path) for name, path in paths.items()}


def _asset(path: Path) -> Asset:
    plain = path.read_bytes()
    return Asset(
        media_type=_KINDS[path.suffix],
        plain=plain,
        compressed=gzip.compress(plain, mtime=0),
        digest=sha256(plain).hexdigest()[:16],
    )
