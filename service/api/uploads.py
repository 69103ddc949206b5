"""Uploaded images: the request body, or the field `file` of a form."""

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import aclosing
from email.message import Message
from email.utils import collapse_rfc2231_value
from io import BytesIO
from typing import Annotated, Any

from fastapi import Depends, Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from service.api.dependencies import state_of
from service.api.errors import ServiceProblem
from service.problems import ProblemType

FIELD = "file"

_FILES = ("application", "image")
"""Main media types of parts that are files even without a file name."""

_BINARY = {"schema": {"type": "string", "format": "binary"}}

UPLOAD_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A JPEG, PNG or WebP image, as the request body or as a form field.",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [FIELD],
                    "properties": {
                        FIELD: {
                            "type": "string",
                            "format": "binary",
                            "description": "The image file.",
                        }
                    },
                }
            },
            "image/jpeg": _BINARY,
            "image/png": _BINARY,
            "image/webp": _BINARY,
        },
    }
}
"""Part of the OpenAPI description of a route that accepts an image."""


class _FormInMemory(MultiPartParser):
    # Uploads are never written to disk; the body limit bounds the memory.
    spool_max_size = sys.maxsize
    _complete = False

    def on_headers_finished(self) -> None:
        self._current_part.content_disposition = _disposition(self._current_part.item_headers)
        super().on_headers_finished()

    def on_end(self) -> None:
        self._complete = True

    async def parse(self) -> FormData:
        self.stream = self._to_its_end(self.stream)
        return await super().parse()

    async def _to_its_end(self, stream: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        async for chunk in stream:
            yield chunk
        if not self._complete:
            raise MultiPartException("It ends before its last boundary")


def _disposition(headers: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Return a `Content-Disposition` with plain parameters, and a file name for every file.

    Starlette's parser ignores `name*=` and `filename*=` (RFC 8187), and treats a part without a
    file name as text. Raises `MultiPartException`.
    """
    part = Message()
    for name, value in headers:
        part[name.decode("latin-1")] = value.decode("latin-1")
    if _codings(part.get_all("content-encoding", ())):
        raise _compressed()
    try:
        field = part.get_param("name", header="content-disposition")
        has_name = part.get_filename() is not None
    except (TypeError, ValueError) as error:
        raise MultiPartException("Its header Content-Disposition has no meaning") from error
    if field is None:
        raise MultiPartException("A part has no name")
    plain = collapse_rfc2231_value(field).replace("\\", "\\\\").replace('"', '\\"')
    encoded = plain.encode("utf-8" if isinstance(field, tuple) else "latin-1", "replace")
    is_file = has_name or part.get_content_maintype() in _FILES
    return b'form-data; name="%s"%s' % (encoded, b'; filename=""' if is_file else b"")


async def read_upload(request: Request) -> AsyncIterator[bytes]:
    """Yield the uploaded file; its memory stays reserved until the response is sent.

    Raises `ServiceProblem` (400, 408, 413, 429).
    """
    state = state_of(request)
    with state.uploads.admitted(_most_bytes(request, state.settings.upload_limit)):
        yield await _read_in_time(request, state.settings.upload_seconds)


def _most_bytes(request: Request, limit: int) -> int:
    """Return the declared length of the body, or the limit if none is declared."""
    declared = request.headers.get("content-length", "")
    return min(int(declared), limit) if declared.isdecimal() else limit


async def _read_in_time(request: Request, seconds: float) -> bytes:
    try:
        async with asyncio.timeout(seconds):
            data = await _read(request)
    except TimeoutError as error:
        raise ServiceProblem(
            ProblemType.UPLOAD_TIMED_OUT,
            f"The body took longer than {seconds:g} s to arrive; send it faster or a smaller one.",
            {"Connection": "close"},
        ) from error
    if not data:
        raise ServiceProblem(
            ProblemType.MALFORMED_REQUEST,
            f"The image is empty; send it as the body or as the form field `{FIELD}`.",
        )
    return data


def refuse_encoded(request: Request) -> None:
    """Raise `ServiceProblem` (415) for a body with a content coding."""
    if _codings(request.headers.getlist("content-encoding")):
        raise _compressed()


async def _read(request: Request) -> bytes:
    refuse_encoded(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    async with aclosing(request.stream()) as stream:
        if kind == "multipart/form-data":
            return await _file_of_form(request, stream)
        body = BytesIO()
        async for chunk in stream:
            body.write(chunk)
        # Joining a list of chunks would copy the body.
        return body.getvalue()


def _codings(headers: Iterable[str]) -> list[str]:
    """Return the content codings of a body, without `identity`."""
    named = ",".join(headers).lower().split(",")
    return [each.strip() for each in named if each.strip() not in ("", "identity")]


def _compressed() -> ServiceProblem:
    return ServiceProblem(
        ProblemType.ENCODED_BODY,
        "The body has a `Content-Encoding`, but only `identity` is supported; send the image file "
        "without that header.",
        {"Accept-Encoding": "identity"},
    )


Upload = Annotated[bytes, Depends(read_upload)]


async def _file_of_form(request: Request, stream: AsyncGenerator[bytes, None]) -> bytes:
    try:
        form = await _FormInMemory(request.headers, stream, max_files=1, max_fields=8).parse()
    except MultiPartException as error:
        raise ServiceProblem(
            ProblemType.MALFORMED_REQUEST,
            f"The form cannot be read ({error.message.rstrip('.')}); send one file in it.",
        ) from error
    try:
        upload = form.get(FIELD)
        if isinstance(upload, UploadFile):
            return await upload.read()
    finally:
        await form.close()
    raise ServiceProblem(
        ProblemType.MALFORMED_REQUEST,
        f"The form has no file in the field `{FIELD}`; send the image in it.",
    )
