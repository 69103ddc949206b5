"""Settings of all packages, and the layout of the folder `BELVEDERE_HOME`."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from embeddings.errors import SettingsError
from embeddings.index_kinds import index_kind, index_kinds

_LONGEST_SHOWN = 80


def resolve_path(path: Path) -> Path:
    """Return the absolute path, with `~` expanded and symbolic links resolved.

    Raises ValueError if the path cannot be resolved.
    """
    try:
        return path.expanduser().resolve()
    except (OSError, RuntimeError) as error:
        raise ValueError(f"the path cannot be resolved ({error})") from error


def is_remote(location: str) -> bool:
    """Return True for a URI, False for a folder."""
    return "://" in location


def _resolve_location(location: str | None) -> str | None:
    """Return a URI unchanged and a folder as an absolute path.

    Raises ValueError for a URI with credentials or parameters, and for an unusable path.
    """
    if location is None or not is_remote(location):
        return None if location is None else str(resolve_path(Path(location)))
    parts = urlsplit(location)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError(
            "a URI has no user, password or parameters; give credentials by variables such as "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    return location


def _resolve_releases(location: str | None) -> str | None:
    found = _resolve_location(location)
    if found is not None and is_remote(found):
        parts = urlsplit(found)
        if parts.scheme != "s3" or not parts.netloc:
            raise ValueError("a folder or a URI such as s3://bucket/releases is required")
    return found


def _known_kind(name: str | None) -> str | None:
    if name is not None and index_kind(name) is None:
        raise ValueError(f"there is no such kind of index; choose of {', '.join(index_kinds())}")
    return name


def _server_address(uri: str | None) -> str | None:
    if uri is None:
        return None
    parts = urlsplit(uri)
    if "@" in parts.netloc:
        raise ValueError("an address has no user or password; give them by BELVEDERE_MILVUS_TOKEN")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an address such as http://milvus:19530 or https://milvus is required")
    return uri


ResolvedPath = Annotated[Path, AfterValidator(resolve_path)]


class PathSettings(BaseSettings):
    """Settings shared by all packages, read from variables with the prefix `BELVEDERE_`."""

    model_config = SettingsConfigDict(
        env_prefix="BELVEDERE_",
        env_ignore_empty=True,
        frozen=True,
        validate_default=True,
        hide_input_in_errors=True,
    )

    home: ResolvedPath = Field(
        Path("var"), description="Folder of runs, feature store and releases."
    )
    store: Annotated[str | None, AfterValidator(_resolve_location)] = Field(
        None,
        description="Folder or URI, such as `s3://bucket/store`, of the feature store (default: "
        "`<home>/store`).",
    )
    releases: Annotated[str | None, AfterValidator(_resolve_releases)] = Field(
        None,
        description="Folder or URI, such as `s3://bucket/releases`, of the releases (default: "
        "`<home>/releases`). Releases of a URI are copied to the default folder.",
    )

    @classmethod
    def from_environment(cls, **options: Any) -> Self:
        """Read the settings from the environment; options of the command line take precedence.

        Raises `SettingsError` that names every variable or option with a wrong value.
        """
        try:
            return cls(**options)
        except ValidationError as error:
            # The cause is dropped because it contains the values, including keys.
            raise SettingsError(_format_settings_error(error, options)) from None

    @property
    def store_uri(self) -> str:
        """Lance URI of the tables of the feature store."""
        return self.store or str(self.home / "store")

    @property
    def releases_folder(self) -> Path:
        """Folder of all releases and of the pointer `current`; a copy of `releases_uri`."""
        if self.releases is None or is_remote(self.releases):
            return self.home / "releases"
        return Path(self.releases)

    @property
    def releases_uri(self) -> str | None:
        """URI of the releases; None if they are in a folder alone."""
        return self.releases if self.releases and is_remote(self.releases) else None

    @property
    def runs(self) -> Path:
        """Folder of finished experiments."""
        return self.home / "runs"

    @property
    def cache(self) -> Path:
        """Folder of data that can be recomputed: decoded pixels, frozen features."""
        return self.home / "cache"

    @property
    def downloads(self) -> Path:
        """Folder of downloaded archives."""
        return self.home / "downloads"


class IndexSettings(PathSettings):
    """Settings of the vector index."""

    index: Annotated[str | None, AfterValidator(_known_kind)] = Field(
        None,
        description="Kind of vector index: `flat`, `flat-f16`, `flat-int8` (exact), `hnsw`, `ivf`, "
        "`milvus` (approximate) or one of another package. Built at publishing. Default: that of "
        "the current release, or `flat`.",
    )
    milvus_uri: Annotated[str | None, AfterValidator(_server_address)] = Field(
        None,
        description="Address of Milvus for the kind `milvus`, such as http://milvus:19530; "
        "https:// for TLS.",
    )
    milvus_token: SecretStr | None = Field(
        None, description="Token of Milvus, `user:password` or an API key."
    )
    milvus_ca: ResolvedPath | None = Field(
        None,
        description="File of the certificate authority of Milvus (PEM); by default those that "
        "gRPC trusts.",
    )


def _format_settings_error(error: ValidationError, options: Collection[str]) -> str:
    sentences = []
    for problem in error.errors():
        name = str(problem["loc"][0])
        shown = f"--{name.replace('_', '-')}" if name in options else f"BELVEDERE_{name}".upper()
        sentence = f"{shown}: {problem['msg'].removeprefix('Value error, ')}"
        # A key must not be shown in a terminal or a log.
        if not name.endswith(("_key", "_token")) and not _may_have_password(problem["input"]):
            sentence += f"; got {problem['input']!r:.{_LONGEST_SHOWN}}"
        sentences.append(f"{sentence}.")
    return " ".join(sentences)


def _may_have_password(value: object) -> bool:
    return isinstance(value, str) and is_remote(value) and ("@" in value or "?" in value)
