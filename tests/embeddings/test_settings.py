"""Each path has one spelling, however it is written."""

from pathlib import Path

import pytest

from embeddings.settings import PathSettings
from training.data.sources import setting_of
from training.settings import TrainingSettings

SPELLINGS = ("{0}/birds", "{0}/birds/", "{0}//birds", "{0}/./birds", "{0}/x/../birds", "birds",
             "./birds", "~/birds", "{0}/link")  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder `birds` with a link to it, in the current and in the user's own folder."""
    (tmp_path / "birds").mkdir()
    (tmp_path / "link").symlink_to("birds")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "birds"


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("name", ["home", "store", "data", "licenses", "weights"])
def test_a_path_has_one_spelling(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, spelling: str
) -> None:
    monkeypatch.setenv(f"BELVEDERE_{name.upper()}", spelling.format(folder.parent))
    settings = TrainingSettings.from_environment()
    assert str(getattr(settings, name)) == str(folder)
    monkeypatch.chdir("/")
    assert str(getattr(settings, name)) == str(folder)


def test_the_default_home_stays_where_it_was_resolved(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = PathSettings()
    monkeypatch.chdir("/")
    assert settings.releases == folder.parent / "var" / "releases"


@pytest.mark.parametrize("uri", ["s3://bucket/store", "memory://x", "gs://bucket//a/"])
def test_an_address_of_a_store_is_taken_as_it_is(uri: str) -> None:
    assert PathSettings(store=uri).store_uri == uri


@pytest.mark.usefixtures("folder")
def test_scenes_are_painted_unless_the_folder_is_meant(folder: Path) -> None:
    (folder.parent / "scenes").mkdir()
    assert setting_of(TrainingSettings(data="scenes")) == "scenes"
    assert setting_of(TrainingSettings(data="./scenes")) == str(folder.parent / "scenes")
