"""Static files of the page, read and compressed once, with their digests."""

import gzip
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from posixpath import dirname, join, normpath

from embeddings.errors import BelvedereError

_WEB = Path(__file__).parent / "web"
_START = "js/app.js"
"""Module of the parts that all views share, and of the first view."""

_IMPORT = re.compile(rb'^import [^"]*from "(\.[^"]+)"', re.MULTILINE)
_PRELOADS = b"    <!-- modulepreload -->\n"
_PACKAGED = {
    "d3.js": ("mpld3", "mpld3/js/d3.v5.min.js"),
    "swagger-ui.css": ("fastapi-swagger", "fastapi_swagger/resources/swagger-ui.css"),
    "swagger-ui.js": ("fastapi-swagger", "fastapi_swagger/resources/swagger-ui-bundle.js"),
}
"""Distributions and files of third-party scripts. The packages' Python is never imported."""

_MEDIA_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class StaticFile:
    """Content of one file, with its metadata."""

    media_type: str
    content: bytes
    compressed: bytes
    """Content compressed with gzip."""
    digest: str


class PageIncomplete(BelvedereError):
    """A file that the page needs is not installed; the message says what to install."""


@cache
def static_files() -> Mapping[str, StaticFile]:
    """Return all files of the page by path, such as `js/app.js`; D3 is `d3.js`.

    `index.html` preloads the modules of the first view, so that a browser requests them at once
    instead of one level of imports after the other. Raises `PageIncomplete`.
    """
    paths = {
        path.relative_to(_WEB).as_posix(): path
        for path in _WEB.rglob("*.*")
        if path.suffix in _MEDIA_TYPES
    }
    paths |= {name: _packaged(*source) for name, source in _PACKAGED.items()}
    contents = {name: path.read_bytes() for name, path in paths.items()}
    preloads = _preloads(sorted(_import_closure(contents)))
    contents["index.html"] = contents["index.html"].replace(_PRELOADS, preloads)
    return {name: _static_file(name, content) for name, content in contents.items()}


def _import_closure(contents: Mapping[str, bytes]) -> set[str]:
    """Return the modules that the start of the page imports statically, and itself."""
    found: set[str] = set()
    pending = {_START}
    while pending:
        module = pending.pop()
        found.add(module)
        paths = (each.decode() for each in _IMPORT.findall(contents[module]))
        pending |= {normpath(join(dirname(module), each)) for each in paths} - found
    return found


def _preloads(modules: Iterable[str]) -> bytes:
    links = (f'    <link rel="modulepreload" href="web/{each}" />\n' for each in modules)
    return "".join(links).encode()


def _packaged(package: str, file: str) -> Path:
    with suppress(PackageNotFoundError):
        path = Path(str(distribution(package).locate_file(file)))
        if path.is_file():
            return path
    raise PageIncomplete(
        f"The page needs {Path(file).name} of the package `{package}`, which is not installed. "
        "Install `requirements/serve.txt`, or run `make clean up`."
    )


def _static_file(name: str, content: bytes) -> StaticFile:
    return StaticFile(
        media_type=_MEDIA_TYPES[Path(name).suffix],
        content=content,
        compressed=gzip.compress(content, mtime=0),
        digest=sha256(content).hexdigest()[:16],
    )
