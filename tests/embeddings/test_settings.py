"""Paths of the settings are resolved to one absolute form."""

from pathlib import Path

import pytest

from embeddings.errors import SettingsError
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
@pytest.mark.parametrize("name", ["home", "store", "releases", "data", "licenses", "weights"])
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
    assert settings.releases_folder == folder.parent / "var" / "releases"


@pytest.mark.parametrize("uri", ["s3://bucket/store", "memory://x", "gs://bucket//a/"])
def test_the_uri_of_a_store_is_kept_unchanged(uri: str) -> None:
    assert PathSettings(store=uri).store_uri == uri


@pytest.mark.parametrize("name", ["store", "releases"])
@pytest.mark.parametrize(
    "uri", ["s3://key:hidden@bucket/x", "s3://hidden@bucket", "s3://x?key=hidden"]
)
def test_a_uri_with_credentials_is_refused_without_showing_them(name: str, uri: str) -> None:
    with pytest.raises(SettingsError, match="AWS_SECRET_ACCESS_KEY") as caught:
        PathSettings.from_environment(**{name: uri})
    assert "hidden" not in str(caught.value)


def test_releases_of_a_uri_are_copied_to_the_folder_of_the_home(tmp_path: Path) -> None:
    settings = PathSettings(home=tmp_path, releases="s3://bucket/releases")
    assert settings.releases_folder == tmp_path / "releases"
    assert settings.releases_uri == "s3://bucket/releases"
    elsewhere = PathSettings(home=tmp_path, releases=str(tmp_path / "other"))
    assert elsewhere.releases_folder == tmp_path / "other"
    assert elsewhere.releases_uri is None


@pytest.mark.parametrize("uri", ["http://x/releases", "s3:///releases", "memory://x"])
def test_releases_at_another_uri_are_refused(uri: str) -> None:
    with pytest.raises(SettingsError, match="s3://bucket/releases"):
        PathSettings.from_environment(releases=uri)


@pytest.mark.usefixtures("folder")
def test_scenes_are_generated_unless_the_path_of_a_folder_is_given(folder: Path) -> None:
    (folder.parent / "scenes").mkdir()
    assert key_of(TrainingSettings(data="scenes")) == "generated scenes"
    assert key_of(TrainingSettings(data="./scenes")) == str(folder.parent / "scenes")
