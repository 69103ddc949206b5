"""Where everything lives: the layout of the folder `BELVEDERE_HOME`."""

from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class HomeSettings(BaseSettings):
    """Settings that every floor shares, read from variables with the prefix `BELVEDERE_`."""

    model_config = SettingsConfigDict(env_prefix="BELVEDERE_", env_ignore_empty=True, frozen=True)

    home: Path = Field(Path("var"), description="Folder of runs, feature store and releases.")
    store: str | None = Field(
        None, description="Lance URI of the feature store; `<home>/store` where it is not set."
    )

    @property
    def store_uri(self) -> str:
        """Lance URI under which the tables `images` and `features` lie."""
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
        """Folder of what can be computed again: decoded pixels, frozen features."""
        return self.home / "cache"

    @property
    def downloads(self) -> Path:
        """Folder of downloaded archives."""
        return self.home / "downloads"


def explain_setting(error: ValidationError) -> str:
    """One sentence on the first setting that is wrong, naming its variable."""
    problem = error.errors()[0]
    variable = "_".join(["BELVEDERE", *(str(part) for part in problem["loc"])]).upper()
    sentence = f"{variable}: {problem['msg'].removeprefix('Value error, ')}"
    # A key must not stand in a terminal or a log.
    return f"{sentence}." if variable.endswith("_KEY") else f"{sentence}; got {problem['input']!r}."
