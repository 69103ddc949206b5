"""What the operator of the service may set, beside the folder that every floor shares."""

import json
from re import fullmatch
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from embeddings.cpu import usable_processors
from embeddings.index import IndexKind
from embeddings.settings import PathSettings

_MEBIBYTE = 1024 * 1024
_DAY = 86_400.0

_EVERY_ORIGIN = "*"
_DEFAULT_PORTS = {"http": 80, "https": 443}

LoggedRequests = Literal["problems", "all"]

_ROOT_PATH = r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*"


class ServiceSettings(PathSettings):
    """Settings of the service, read from variables with the prefix `BELVEDERE_`."""

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    upload_limit: int = Field(
        20 * _MEBIBYTE, ge=1, description="Largest request body that is read, in bytes."
    )
    upload_memory: int = Field(
        256 * _MEBIBYTE,
        ge=1,
        description="Bytes that uploads of more than 1 MiB may take at the same time.",
    )
    concurrency: int = Field(
        # While as many are encoded as there are processors, the next one is decoded.
        default_factory=lambda: usable_processors() + 1,
        ge=1,
        description="Images that are decoded and encoded at the same time.",
    )
    queue: int = Field(
        64, ge=0, description="Images that may wait for their turn before callers are told `busy`."
    )
    work_seconds: float = Field(
        30.0,
        gt=0,
        le=_DAY,
        description="Longest time for one image; beyond it its thread is given up.",
    )
    upload_seconds: float = Field(
        30.0, gt=0, le=_DAY, description="Longest time that a request body may take to arrive."
    )
    api_key: SecretStr | None = Field(
        None, min_length=1, description="Key that the calls which cost ask for; none by default."
    )
    origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Other origins whose pages may read answers: one, several with commas or as a "
        "JSON list, or `*` for all; none by default.",
    )
    root_path: str = Field(
        "",
        description="Path under which a reverse proxy shows the service, such as `/gallery`; "
        "none by default.",
    )
    keep_location: bool = Field(
        False,
        description="Whether served photographs keep the metadata that can hold a location.",
    )
    poll: float = Field(
        1.0, gt=0, le=_DAY, description="Seconds between two looks for a newly published release."
    )
    index: IndexKind = Field(
        "flat", description="How photographs are searched: `flat` (exact) or `hnsw` (approximate)."
    )
    log: LoggedRequests = Field(
        "problems", description="Which requests are logged: `problems` or `all`."
    )

    @field_validator("root_path")
    @classmethod
    def _as_path(cls, given: str) -> str:
        path = given.rstrip("/")
        if not fullmatch(_ROOT_PATH, path):
            raise ValueError(
                "it is the path under which a proxy shows the service, such as /gallery: a slash, "
                "then letters, digits, dots, dashes and underscores"
            )
        return path

    @field_validator("api_key")
    @classmethod
    def _fits_a_header(cls, key: SecretStr | None) -> SecretStr | None:
        value = "" if key is None else key.get_secret_value()
        if not (value.isascii() and value.isprintable() and value == value.strip()):
            raise ValueError(
                "the key is sent in a header; use letters, digits and signs of ASCII, without a "
                "space or a line end before or after them"
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
    """Return an origin as browsers write it: lower case, no default port, no slash at its end.

    Raises ValueError for anything that is not an origin.
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
            "an origin is a scheme, a host and a port where it is not the usual one, without a "
            f"path, such as https://x.example or http://localhost:3000; {text!r} is none"
        )
    host = f"[{host}]" if ":" in host else host
    shown = "" if port in {None, _DEFAULT_PORTS.get(parts.scheme)} else f":{port}"
    return f"{parts.scheme}://{host}{shown}"
