"""Settings of the service."""

import json
from ipaddress import ip_address
from pathlib import Path
from re import fullmatch
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from embeddings.cpu import usable_processors
from embeddings.settings import IndexSettings, PathSettings, ResolvedPath
from embeddings.store.retention import RetentionSettings

_MEBIBYTE = 1024 * 1024
_GIBIBYTE = 1024 * _MEBIBYTE
_DAY = 86_400.0

_EVERY_ORIGIN = "*"
_DEFAULT_PORTS = {"http": 80, "https": 443}

LoggedRequests = Literal["problems", "all"]

_ROOT_PATH = r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*"


class KeySettings(PathSettings):
    """Settings of the file of API keys."""

    keys: ResolvedPath | None = Field(
        None,
        description="File of the hashes of API keys, written by `belvedere key` (default: "
        "`<home>/keys.jsonl`).",
    )

    @property
    def keys_file(self) -> Path:
        """File of the hashes of API keys."""
        return self.keys or self.home / "keys.jsonl"


class ServiceSettings(KeySettings, RetentionSettings, IndexSettings):
    """Settings of the service, read from variables with the prefix `BELVEDERE_`."""

    host: str = Field(
        "127.0.0.1", description="IP address or host name to listen on; 0.0.0.0 listens on all."
    )
    port: int = Field(
        8000, ge=0, le=65535, description="TCP port to listen on; 0 selects a free port."
    )
    upload_limit: int = Field(
        20 * _MEBIBYTE, ge=1, description="Maximum size of a request body in bytes."
    )
    upload_memory: int = Field(
        256 * _MEBIBYTE,
        ge=1,
        description="Memory in bytes for concurrent uploads above 1 MiB; others then get a 429.",
    )
    concurrency: int = Field(
        # One more than can be encoded at a time, so that the next image is decoded meanwhile.
        default_factory=lambda: usable_processors() + 1,
        ge=1,
        description="Images that are decoded and encoded concurrently; by default usable CPUs + 1.",
    )
    queue: int = Field(
        64,
        ge=0,
        description="Images that may wait in the request queue; further requests get a 429.",
    )
    work_seconds: float = Field(
        30.0,
        gt=0,
        le=_DAY,
        description="Time-out for the work on one image in seconds; its thread is then replaced.",
    )
    upload_seconds: float = Field(
        30.0, gt=0, le=_DAY, description="Time-out for the arrival of a request body in seconds."
    )
    api_key: SecretStr | None = Field(
        None,
        min_length=1,
        description="API key required for uploads, `/tsne` and `/export`; by default none.",
    )
    writable: bool = Field(
        False, description="Accept changes of the images; one service at a time can write a store."
    )
    bulk_limit: int = Field(
        _GIBIBYTE,
        ge=1,
        description="Maximum size of the body of `POST /images` in bytes.",
    )
    fold_share: float = Field(
        0.05,
        gt=0,
        le=1,
        description="Changed images, as a share of the release, from which on a service that "
        "writes publishes the same model again, if they are at least 100.",
    )
    fold_changes: int = Field(
        10_000, ge=1, description="Changed images from which on it publishes in any case."
    )
    origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Origins whose pages may call the service (CORS): separated by commas, a JSON "
        "list, or `*` for all; by default none.",
    )
    root_path: str = Field(
        "",
        description="Path prefix under which a reverse proxy serves the service, such as "
        "`/gallery`; by default none.",
    )
    keep_location: bool = Field(
        False,
        description="Keep metadata that may contain a location (EXIF, XMP) in served images.",
    )
    poll: float = Field(
        1.0,
        gt=0,
        le=_DAY,
        description="Polling interval for new releases and changed images in seconds.",
    )
    log: LoggedRequests = Field(
        "problems",
        description="Requests to log: `problems` or `all`; `all` reduces the throughput.",
    )

    @property
    def jobs(self) -> Path:
        """Folder of the records of jobs."""
        return self.home / "jobs"

    @property
    def is_local(self) -> bool:
        """True if the service listens on a loopback address alone."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @field_validator("root_path")
    @classmethod
    def _as_path(cls, given: str) -> str:
        path = given.rstrip("/")
        if not fullmatch(_ROOT_PATH, path):
            raise ValueError(
                "it must be a path prefix such as /gallery: a slash, then letters, digits, dots, "
                "dashes and underscores"
            )
        return path

    @field_validator("api_key")
    @classmethod
    def _fits_a_header(cls, key: SecretStr | None) -> SecretStr | None:
        value = "" if key is None else key.get_secret_value()
        if not (value.isascii() and value.isprintable() and value == value.strip()):
            raise ValueError(
                "the key is sent in a header; use printable ASCII characters, without spaces or "
                "line ends around them"
            )
        return key

    @field_validator("origins", mode="before")
    @classmethod
    def _as_list(cls, given: Any) -> Any:
        if not isinstance(given, str):
            return given
        if not given.lstrip().startswith("["):
            return tuple(each.strip() for each in given.split(",") if each.strip())
        try:
            return json.loads(given)
        except ValueError as error:
            raise ValueError(f"it is not a JSON list ({error})") from error

    @field_validator("origins")
    @classmethod
    def _as_browsers_send_them(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_origin(each) for each in origins))


def _origin(text: str) -> str:
    """Return an origin in the form of browsers: lower case, no default port, no final slash.

    Raises ValueError if the text is not an origin.
    """
    if text == _EVERY_ORIGIN:
        return text
    try:
        parts = urlsplit(text.removesuffix("/"))
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except ValueError:
        host, parts, port = "", urlsplit(""), None
    if not (parts.scheme and host) or parts.path or parts.query or parts.fragment or parts.username:
        raise ValueError(
            "an origin consists of a scheme, a host and an optional port, without a path, such as "
            f"https://x.example or http://localhost:3000; {text!r} is not one"
        )
    host = f"[{host}]" if ":" in host else host
    shown = "" if port in {None, _DEFAULT_PORTS.get(parts.scheme)} else f":{port}"
    return f"{parts.scheme}://{host}{shown}"
