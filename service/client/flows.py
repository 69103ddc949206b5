"""Sequences of calls, which either client carries out."""

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import wraps
from pathlib import Path
from secrets import token_hex
from time import monotonic
from typing import Any, ParamSpec, TypeVar
from urllib.parse import quote_plus

import httpx
from pydantic import TypeAdapter

from service.client import endpoints
from service.client.endpoints import Call
from service.client.errors import ServiceError, ServiceUnreachable
from service.client.items import Item, NewImage, batches, images_of
from service.schemas import REVISION_HEADER, ItemOutcome, Readiness, WrittenImages

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

Flow = Generator[Call[Any] | float, Any, Result]
"""Yields calls, whose results it is sent, and pauses in seconds."""

Report = Callable[[Sequence[ItemOutcome]], object]
"""Callback that receives the outcomes of some images."""

_MOST_IMAGES = 100
"""Images in one request; for more, the service would answer before they are stored."""

_MOST_QUERY = 4096
_PAUSE_SECONDS = 0.05
_NUMBER = TypeAdapter(int)


def alone(call: Callable[Arguments, Call[Result]]) -> Callable[Arguments, Flow[Result]]:
    """Return the sequence of one call, with the same arguments."""

    @wraps(call)
    def flow(*args: Arguments.args, **named: Arguments.kwargs) -> Flow[Result]:
        result: Result = yield call(*args, **named)
        return result

    return flow


def _no_report(outcomes: Sequence[ItemOutcome]) -> None:
    pass


def add_many(
    images: Iterable[Item] | Path | str,
    *,
    restore: bool = False,
    new_class: bool = False,
    report: Report = _no_report,
) -> Flow[tuple[ItemOutcome, ...]]:
    """Store many images and return the outcome of each, in their order.

    `images` yields an id, the bytes or the path of a file, and optionally a label; or it is the
    path of a folder or zip, in which the id of an image is its path without the extension, and its
    label the name of its first folder. The images are sent in requests of at most 100 images and
    about 32 MiB, one after the other, so that only one of them is in memory. Without `new_class`, a
    label that neither an image nor the model has raises `UnknownClass`.

    `report` receives the outcomes of each request when its images are stored. After an error the
    call can be repeated: images that were stored are then `unchanged`.
    """
    outcomes: list[ItemOutcome] = []
    for batch in batches(images_of(images), _MOST_IMAGES):
        answer: WrittenImages = yield _addition(batch, restore=restore, new_class=new_class)
        report(answer.outcomes)
        outcomes += answer.outcomes
    return tuple(outcomes)


def delete(ids: str | Iterable[str]) -> Flow[int | None]:
    """Delete images, and return the revision that lacks them; None without ids.

    Many ids are sent in several requests.
    """
    revision: int | None = None
    for part in _parts([ids] if isinstance(ids, str) else ids):
        revision = yield Call("DELETE", "/images", _revision, {"id": part})
    return revision


def wait_for(revision: int, timeout: float = 30.0) -> Flow[Readiness]:
    """Wait until the service answers with a revision, and return its readiness.

    After `timeout` seconds, `RevisionNotReached` or another error of the last attempt is raised.
    Behind a proxy with several replicas, one of them answers: give `min_revision` to the calls
    instead.
    """
    until = monotonic() + timeout
    while True:
        try:
            ready: Readiness = yield replace(endpoints.ready(min_revision=revision), repeated=False)
        except ServiceError as error:
            transient = error.retryable or isinstance(error, ServiceUnreachable)
            if not transient or monotonic() >= until:
                raise
            yield _PAUSE_SECONDS
        else:
            return ready


def _addition(images: Sequence[NewImage], **flags: bool) -> Call[WrittenImages]:
    """Return the call that stores at most 100 images: a form with a manifest."""
    lines = [
        {"file": str(number), "id": image.id, "label": image.label}
        for number, image in enumerate(images)
    ]
    # Random, so that no file contains it.
    boundary = token_hex(32)
    parts = [("manifest", "manifest.json", json.dumps(lines).encode())]
    parts += [("file", str(number), image.file) for number, image in enumerate(images)]
    body = bytearray()
    for field, name, content in parts:
        body += (
            f"--{boundary}\r\nContent-Disposition: form-data; "
            f'name="{field}"; filename="{name}"\r\n\r\n'
        ).encode()
        body += content + b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    return Call(
        "POST",
        "/images",
        lambda response: WrittenImages.model_validate_json(response.content),
        {name: "true" for name, is_set in flags.items() if is_set},
        bytes(body),
        {"Content-Type": f"multipart/form-data; boundary={boundary}"},
    )


def _parts(ids: Iterable[str]) -> Iterator[list[str]]:
    """Yield the ids in parts that fit in a URL."""
    part: list[str] = []
    size = 0
    for identifier in ids:
        length = len(quote_plus(identifier)) + len("&id=")
        if part and size + length > _MOST_QUERY:
            yield part
            part, size = [], 0
        part.append(identifier)
        size += length
    if part:
        yield part


def _revision(response: httpx.Response) -> int:
    return _NUMBER.validate_python(response.headers.get(REVISION_HEADER))
