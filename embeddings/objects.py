"""Objects in object storage such as S3: reads, conditional writes, and a probe of the server."""

import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from embeddings.errors import BelvedereError

if TYPE_CHECKING:
    from obstore import PutMode
    from obstore.store import ObjectStore

_SCHEMES = ("s3://", "gs://", "az://")
"""Schemes of object storage; Lance has others, such as `memory://`."""

_SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_SHORTEST_SECRET = 4

_TRUE = ("1", "true", "yes", "on")

_RETRIES = 3
_RETRY_SECONDS = 10
_CHUNK_BYTES = 8 << 20
_PARTS_AT_ONCE = 8


class ObjectStorageError(BelvedereError):
    """Object storage that cannot be reached, or that refuses a request."""


class WrittenMeanwhile(ObjectStorageError):
    """Object that another process wrote first."""


class Found(NamedTuple):
    """Content of an object, and the tag of this content."""

    content: bytes
    e_tag: str


class Listed(NamedTuple):
    """Key of an object, relative to the listed place, and its size in bytes."""

    key: str
    size: int


def in_object_storage(location: str) -> bool:
    """Return True for a URI of object storage."""
    return location.startswith(_SCHEMES)


def without_secrets(text: str) -> str:
    """Return a text in which the credentials of the environment are replaced by `…`."""
    for name in _SECRETS:
        secret = os.environ.get(name, "")
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "…")
    return text


@dataclass(frozen=True)
class Objects:
    """Objects under a URI; all methods raise `ObjectStorageError`."""

    uri: str
    _store: "ObjectStore"

    @classmethod
    def open(cls, uri: str, *, seconds: int = 30) -> "Objects":
        """Return the objects under a URI, with a time limit for each request.

        Credentials and the address of the server come from the same variables as those of Lance,
        such as `AWS_ENDPOINT_URL` and `AWS_ACCESS_KEY_ID`.
        """
        try:
            from obstore.store import from_url
        except ImportError as error:
            raise ObjectStorageError(
                f"{uri} is in object storage, whose client is not installed; run `pip install "
                "'belvedere[s3]'`."
            ) from error
        with _translated(uri):
            store = from_url(
                uri,
                # Given options replace those of the environment.
                client_options={
                    "allow_http": os.environ.get("AWS_ALLOW_HTTP", "").lower() in _TRUE,
                    "connect_timeout": "5s",
                    "timeout": f"{seconds}s",
                },
                retry_config={
                    "max_retries": _RETRIES,
                    "retry_timeout": timedelta(seconds=_RETRY_SECONDS),
                },
            )
        return cls(uri, store)

    def read(self, key: str) -> Found | None:
        """Return an object; None if it does not exist."""
        import obstore

        with _translated(self.uri):
            try:
                result = obstore.get(self._store, key)
                return Found(bytes(result.bytes()), result.meta["e_tag"] or "")
            except FileNotFoundError as error:
                if "NoSuchBucket" in str(error):
                    raise ObjectStorageError(
                        f"{self.uri} does not exist; create the bucket, or correct the setting."
                    ) from error
                return None

    def create(self, key: str, content: bytes) -> str:
        """Write a new object and return its tag. Raises `WrittenMeanwhile` if it exists."""
        return self._put(key, content, "create")

    def replace(self, key: str, content: bytes, e_tag: str) -> str:
        """Replace the content with this tag by another one and return the tag of that.

        Raises `WrittenMeanwhile` if the object has another content or does not exist.
        """
        return self._put(key, content, {"e_tag": e_tag})

    def upload(self, key: str, path: Path) -> None:
        """Write a file as an object, in parts if it is large."""
        import obstore

        with _translated(self.uri):
            obstore.put(self._store, key, path, chunk_size=_CHUNK_BYTES)

    def download(self, key: str, path: Path) -> None:
        """Write an object into a new file, whose folder is created; several parts at a time."""
        import obstore

        path.parent.mkdir(parents=True, exist_ok=True)
        with (
            _translated(self.uri),
            path.open("wb") as file,
            ThreadPoolExecutor(_PARTS_AT_ONCE) as pool,
        ):
            size = obstore.head(self._store, key)["size"]

            def write(start: int) -> None:
                length = min(_CHUNK_BYTES, size - start)
                part = obstore.get_range(self._store, key, start=start, length=length)
                os.pwrite(file.fileno(), part, start)

            list(pool.map(write, range(0, size, _CHUNK_BYTES)))

    def listed(self, prefix: str | None = None) -> list[Listed]:
        """Return all objects in a folder and in its folders."""
        import obstore

        with _translated(self.uri):
            return [
                Listed(each["path"], each["size"])
                for part in obstore.list(self._store, prefix)
                for each in part
            ]

    def folders(self, prefix: str | None = None) -> list[str]:
        """Return the names of the folders directly in a folder, in alphabetical order."""
        import obstore

        with _translated(self.uri):
            found = obstore.list_with_delimiter(self._store, prefix)["common_prefixes"]
        return sorted(each.rstrip("/").rsplit("/", 1)[-1] for each in found)

    def delete(self, *keys: str) -> None:
        """Delete objects; missing ones are ignored."""
        import obstore

        with _translated(self.uri):
            for key in keys:
                try:
                    obstore.delete(self._store, key)
                except FileNotFoundError:
                    continue

    def check_conditional_writes(self) -> None:
        """Refuse a server that ignores conditions of writes, by writes of a scratch object.

        Without conditions, two writers destroy each other's tables.
        """
        key = f".probe-{uuid4().hex}"
        try:
            tag = self.create(key, b"first")
            ignored = not (
                self._refuses(lambda: self.create(key, b"second"))
                and self.replace(key, b"third", tag)
                and self._refuses(lambda: self.replace(key, b"fourth", tag))
            )
        finally:
            self.delete(key)
        if ignored:
            raise ObjectStorageError(
                f"The server of {self.uri} ignores the conditions of writes (If-None-Match, "
                "If-Match), so that two writers would destroy the tables; use one that supports "
                "conditional writes. Nothing was written."
            )

    def _refuses(self, write: Callable[[], str]) -> bool:
        try:
            write()
        except WrittenMeanwhile:
            return True
        return False

    def _put(self, key: str, content: bytes, mode: "PutMode") -> str:
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        with _translated(self.uri):
            try:
                tag = obstore.put(self._store, key, content, mode=mode, use_multipart=False)
                return tag["e_tag"] or ""
            except (AlreadyExistsError, PreconditionError, FileNotFoundError) as error:
                found = self.read(key)
                # A write can be sent again after its answer was lost.
                if found is not None and found.content == content:
                    return found.e_tag
                raise WrittenMeanwhile(
                    f"Another process wrote {self.uri}/{key} first; try again."
                ) from error


@contextmanager
def _translated(uri: str) -> Iterator[None]:
    """Turn the errors of the client into `ObjectStorageError`, without answers of the server."""
    from obstore.exceptions import BaseError

    try:
        yield
    except (BaseError, FileNotFoundError, PermissionError, TimeoutError, ValueError) as error:
        # The cause is dropped because its text can contain parts of the signed request.
        raise ObjectStorageError(
            f"{uri} is not accessible ({_reason(error)}); check the connection, AWS_ENDPOINT_URL "
            "and the credentials (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)."
        ) from None


def _reason(error: Exception) -> str:
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    status = re.search(r"status code: (\d{3} [A-Za-z ]+)", text)
    code = re.search(r"<Code>(\w+)</Code>", str(error))
    if status:
        return without_secrets(status[1].strip() + (f", {code[1]}" if code else ""))
    return without_secrets(text)[:200]
