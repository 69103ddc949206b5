"""Paths of the settings are resolved to one absolute form."""

from pathlib import Path

import pytest

from embeddings.settings import PathSettings
from training.data.sources import key_of
from training.settings import TrainingSettings

SPELLINGS = ("{0}/birds", "{0}/birds/", "{0}//birds", "{0}/./birds", "{0}/x/../birds", "birds",
             "./birds", "~/birds", "{0}/link")  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create a folder `birds` and a link to it, in the working and in the home directory."""
    (tmp_path / "birds").mkdir()
    (tmp_path / "link").symlink_to("birds")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "birds"


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("name", ["home", "store", "data", "licenses", "weights"])
def test_a_path_is_resolved_to_one_form(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, spelling: str
) -> None:
    monkeypatch.setenv(f"BELVEDERE_{name.upper()}", spelling.format(folder.parent))
    settings = TrainingSettings.from_environment()
    assert str(getattr(settings, name)) == str(folder)
    monkeypatch.chdir("/")
    assert str(getattr(settings, name)) == str(folder)


def test_the_default_home_does_not_follow_the_working_directory(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = PathSettings()
    monkeypatch.chdir("/")
    assert settings.releases == folder.parent / "var" / "releases"


@pytest.mark.parametrize("uri", ["s3://bucket/store", "memory://x", "gs://bucket//a/"])
def test_the_uri_of_a_store_is_kept_unchanged(uri: str) -> None:
    assert PathSettings(store=uri).store_uri == uri


@pytest.mark.usefixtures("folder")
def test_scenes_are_generated_unless_the_path_of_a_folder_is_given(folder: Path) -> None:
    (folder.parent / "scenes").mkdir()
    assert key_of(TrainingSettings(data="scenes")) == "generated scenes"
    assert key_of(TrainingSettings(data="./scenes")) == str(folder.parent / "scenes")
