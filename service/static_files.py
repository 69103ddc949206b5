"""The files of the page as they are sent: read and compressed once, known by their digest."""

import gzip
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from embeddings.errors import BelvedereError

_WEB = Path(__file__).parent / "web"
_PACKAGED = {
    "d3.js": ("mpld3", "mpld3/js/d3.v5.min.js"),
    "swagger-ui.css": ("fastapi-swagger", "fastapi_swagger/resources/swagger-ui.css"),
    "swagger-ui.js": ("fastapi-swagger", "fastapi_swagger/resources/swagger-ui-bundle.js"),
}
"""Distribution and file of other projects' scripts; their Python is never imported."""

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


class PageIncomplete(BelvedereError):
    """The page lacks what it draws with; the message says what to do."""


@cache
def assets() -> Mapping[str, Asset]:
    """All files of the page by their path, such as `js/app.js`; D3 is `d3.js`.

    Raises `PageIncomplete`.
    """
    paths = {
        path.relative_to(_WEB).as_posix(): path
        for path in _WEB.rglob("*.*")
        if path.suffix in _KINDS
    }
    paths["d3.js"] = _packaged(*_PACKAGED["d3.js"])
    for name in ("swagger-ui.css", "swagger-ui.js"):
        with suppress(PageIncomplete):
            paths[name] = _packaged(*_PACKAGED[name])
    return {name: _asset(path) for name, path in paths.items()}


def _packaged(package: str, file: str) -> Path:
    with suppress(PackageNotFoundError):
        path = Path(str(distribution(package).locate_file(file)))
        if path.is_file():
            return path
    raise PageIncomplete(
        f"The page needs {Path(file).name} of the package `{package}`, which is not installed; "
        "install `requirements/serve.txt`, or run `make clean up`."
    )


def _asset(path: Path) -> Asset:
    plain = path.read_bytes()
    return Asset(
        media_type=_KINDS[path.suffix],
        plain=plain,
        compressed=gzip.compress(plain, mtime=0),
        digest=sha256(plain).hexdigest()[:16],
    )
