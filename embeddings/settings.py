"""Settings of all packages, and the layout of the folder `BELVEDERE_HOME`."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from embeddings.errors import SettingsError

_LONGEST_SHOWN = 80


def resolve_path(path: Path) -> Path:
    """Return the absolute path, with `~` expanded and symbolic links resolved.

    Raises ValueError if the path cannot be resolved.
    """
    try:
        return path.expanduser().resolve()
    except (OSError, RuntimeError) as error:
        raise ValueError(f"the path cannot be resolved ({error})") from error


def _resolve_store(uri: str | None) -> str | None:
    return uri if uri is None or "://" in uri else str(resolve_path(Path(uri)))


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
    store: Annotated[str | None, AfterValidator(_resolve_store)] = Field(
        None,
        description="Lance URI or folder of the feature store (default: `<home>/store`).",
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
    def releases(self) -> Path:
        """Folder of all releases and of the pointer `current`."""
        return self.home / "releases"

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


def _format_settings_error(error: ValidationError, options: Collection[str]) -> str:
    sentences = []
    for problem in error.errors():
        name = str(problem["loc"][0])
        shown = f"--{name.replace('_', '-')}" if name in options else f"BELVEDERE_{name}".upper()
        sentence = f"{shown}: {problem['msg'].removeprefix('Value error, ')}"
        # A key must not be shown in a terminal or a log.
        if not name.endswith("_key"):
            sentence += f"; got {problem['input']!r:.{_LONGEST_SHOWN}}"
        sentences.append(f"{sentence}.")
    return " ".join(sentences)
