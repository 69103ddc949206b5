"""Connection to a Milvus server, opened when it is needed and tried again after a failure."""

import logging
import logging.config
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from time import monotonic
from typing import Any, TypeVar
from urllib.parse import urlsplit

from embeddings.errors import SettingsError
from embeddings.index import IndexUnavailable
from embeddings.settings import IndexSettings

Result = TypeVar("Result")

_CONNECT_SECONDS = 2.0
_PAUSE_SECONDS = 1.0
"""Seconds after a failure for which every call fails at once."""

_LONGEST_REASON = 200
_COLLECTION_NOT_FOUND = 100


class CollectionMissing(IndexUnavailable):
    """Collection that the server does not have."""


class MilvusServer:
    """Milvus server of the settings; safe to use from many threads.

    After a failure, one caller a second tries the server, and all others fail at once, so that
    threads do not pile up behind a server that does not answer. Raises `SettingsError` without an
    address, and without the package of the client.
    """

    def __init__(self, settings: IndexSettings) -> None:
        if settings.milvus_uri is None:
            raise SettingsError(
                "BELVEDERE_MILVUS_URI: the kind of index `milvus` needs the address of a server, "
                "such as http://localhost:19530; set it, or choose another BELVEDERE_INDEX."
            )
        self._client_class, self._failures = _import_client()
        self._uri = settings.milvus_uri
        token = settings.milvus_token
        self._token = "" if token is None else token.get_secret_value()
        self._ca = settings.milvus_ca
        self._client: Any = None
        self._connecting = Lock()
        self._state = Lock()
        self._reason: str | None = None
        """Message of the last failure; None after a success."""
        self._again = 0.0
        """Time from which on the server is tried again."""

    @property
    def address(self) -> str:
        """Host and port, without credentials."""
        parts = urlsplit(self._uri)
        host = parts.hostname or ""
        return host if parts.port is None else f"{host}:{parts.port}"

    def call(self, operation: Callable[[Any], Result]) -> Result:
        """Return the result of an operation on a `pymilvus.MilvusClient`.

        Raises `IndexUnavailable` if the server is away or fails, `CollectionMissing` if it lacks
        the collection.
        """
        self._admit()
        try:
            result = operation(self._connected())
        except self._failures as error:
            if getattr(error, "code", None) == _COLLECTION_NOT_FOUND:
                self._note(None)
                raise CollectionMissing(f"The collection is missing on {self.address}.") from None
            message = self._message(error)
            self._note(message)
            # The cause is dropped because it could contain the token.
            raise IndexUnavailable(message) from None
        self._note(None)
        return result

    def _admit(self) -> None:
        """Raise `IndexUnavailable` if the server failed just before."""
        with self._state:
            if self._reason is None:
                return
            now = monotonic()
            if now < self._again:
                raise IndexUnavailable(self._reason)
            self._again = now + _CONNECT_SECONDS + _PAUSE_SECONDS

    def _note(self, reason: str | None) -> None:
        with self._state:
            self._reason = reason
            self._again = monotonic() + _PAUSE_SECONDS

    def _connected(self) -> Any:
        with self._connecting:
            if self._client is None:
                secure = {} if self._ca is None else {"server_pem_path": str(self._ca)}
                self._client = self._client_class(
                    self._uri, token=self._token, timeout=_CONNECT_SECONDS, **secure
                )
            return self._client

    def _message(self, error: BaseException) -> str:
        text = str(getattr(error, "message", None) or error).strip()
        for secret in {self._token, *self._token.split(":")} - {""}:
            text = text.replace(secret, "***")
        first = text.splitlines()[0] if text else type(error).__name__
        return (
            f"The Milvus server at {self.address} cannot be used ({first:.{_LONGEST_REASON}}); "
            "start it, or check BELVEDERE_MILVUS_URI, BELVEDERE_MILVUS_TOKEN and "
            "BELVEDERE_MILVUS_CA. The kind of index `flat` needs no server."
        )


def _import_client() -> tuple[Any, tuple[type[Exception], ...]]:
    """Return the class of the client and the exceptions of its calls."""
    try:
        from grpc import RpcError

        with _configured_logging_kept():
            from pymilvus import MilvusClient
            from pymilvus.exceptions import MilvusException
    except ModuleNotFoundError as error:
        raise SettingsError(
            "The kind of index `milvus` needs the package `pymilvus`, which is not installed here; "
            "run `pip install 'belvedere[milvus]'`."
        ) from error
    # It logs each failed call with a traceback; the failure is raised, too.
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
    return MilvusClient, (MilvusException, RpcError, OSError)


@contextmanager
def _configured_logging_kept() -> Iterator[None]:
    """Prevent an imported package from configuring logging, which closes all other handlers."""
    configure = logging.config.dictConfig
    logging.config.dictConfig = lambda config: None
    try:
        yield
    finally:
        logging.config.dictConfig = configure
