"""Bodies of many images, kept in a file without a name until they are processed."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, aclosing, suppress
from email.message import Message
from pathlib import Path
from typing import IO, Any

from fastapi import Request

from embeddings.errors import explain_os_error
from embeddings.store.tables import StoreFull
from service.api.errors import ServiceProblem
from service.api.uploads import refuse_encoded
from service.problems import ProblemType
from service.serving.archives import (
    ArchivedFile,
    ArchiveUnreadable,
    decompressed,
    files_of_form,
    files_of_tar,
    files_of_zip,
    find_kind,
)
from service.serving.bulk_items import BulkItem, items_of

_BUFFER = 1024 * 1024
_HEAD = 512
_LONGEST_BOUNDARY = 70
_BINARY = {"schema": {"type": "string", "format": "binary"}}

BULK_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "Images as the parts of a form, or as the files of a zip or tar. A file "
        "`manifest.csv` or `manifest.json` lists them with the columns `file`, `id`, `label` and "
        "`attributes`. Without it, the id of an image is its path without the extension, and its "
        "label the first folder of the path.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "file": {
                            "type": "array",
                            "items": {"type": "string", "format": "binary"},
                            "description": "Images; the file name of a part is its path.",
                        },
                        "manifest": {
                            "type": "string",
                            "format": "binary",
                            "description": "Manifest as CSV or JSON.",
                        },
                    },
                }
            },
            "application/zip": _BINARY,
            "application/x-tar": _BINARY,
            "application/gzip": _BINARY,
        },
    }
}
"""Part of the OpenAPI description of a route that accepts many images."""


async def spool(request: Request, folder: Path, seconds: float, kept: ExitStack) -> IO[bytes]:
    """Return the body of a request as a file without a name in a folder; `kept` closes it.

    `seconds` is the time-out for each part of the body. Raises `ServiceProblem`, `StoreFull`.
    """
    refuse_encoded(request)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = _unnamed_file(folder, kept)
        async for chunk in _chunks(request, seconds):
            await asyncio.to_thread(file.write, chunk)
        await asyncio.to_thread(file.flush)
    except OSError as error:
        raise _no_space(error, folder) from error
    return file


async def _chunks(request: Request, seconds: float) -> AsyncIterator[bytes]:
    """Yield the body in parts of about a mebibyte."""
    buffer = bytearray()
    async with aclosing(request.stream()) as stream:
        while True:
            try:
                async with asyncio.timeout(seconds):
                    chunk = await anext(stream, None)
            except TimeoutError as error:
                raise ServiceProblem(
                    ProblemType.UPLOAD_TIMED_OUT,
                    f"No part of the body arrived for {seconds:g} s; send it faster.",
                    {"Connection": "close"},
                ) from error
            if chunk is None:
                break
            buffer += chunk
            if len(buffer) >= _BUFFER:
                yield bytes(buffer)
                buffer.clear()
    yield bytes(buffer)


def _unnamed_file(folder: Path, kept: ExitStack) -> IO[bytes]:
    file = tempfile.TemporaryFile(dir=folder, buffering=_BUFFER)  # noqa: SIM115
    kept.callback(_close, file)
    return file


def _close(file: IO[bytes]) -> None:
    # A buffer that did not fit on the disk is written once more.
    with suppress(OSError):
        file.close()


def _no_space(error: OSError, folder: Path) -> Exception:
    sentence = explain_os_error(error)
    return error if sentence is None else StoreFull(f"{folder}: {sentence}")


def read_items(
    file: IO[bytes],
    content_type: str,
    label: str | None,
    unpack: Callable[[IO[bytes]], IO[bytes]],
) -> tuple[BulkItem, ...]:
    """Return the images of a body. Raises `ArchiveUnreadable`.

    `unpack` returns the content of a gzip file.
    """
    header = Message()
    header["content-type"] = content_type
    if header.get_content_type() == "multipart/form-data":
        return items_of(files_of_form(file, _boundary(header)), label)
    file.seek(0)
    kind = find_kind(file.read(_HEAD))
    file.seek(0)
    if kind == "tar.gz":
        file = unpack(file)
    if kind is None:
        raise ArchiveUnreadable(
            "The body is neither a form (multipart/form-data) nor a zip, tar or tar.gz; send the "
            "images in one of them, or a single image with `PUT /images/{id}`."
        )
    files: list[ArchivedFile] = files_of_zip(file) if kind == "zip" else files_of_tar(file)
    return items_of(files, label)


def unpack(file: IO[bytes], folder: Path, most: int, kept: ExitStack) -> IO[bytes]:
    """Return the content of a gzip file, of at most `most` bytes, as a file like that of `spool`.

    Raises `ArchiveUnreadable`, `StoreFull`.
    """
    try:
        unpacked = _unnamed_file(folder, kept)
        decompressed(file, unpacked, most)
    except OSError as error:
        raise _no_space(error, folder) from error
    unpacked.seek(0)
    return unpacked


def _boundary(header: Message) -> bytes:
    boundary = header.get_param("boundary")
    if not isinstance(boundary, str) or not 0 < len(boundary) <= _LONGEST_BOUNDARY:
        raise ArchiveUnreadable("The header Content-Type lacks the boundary of the form; add it.")
    return boundary.encode("latin-1", "replace")
