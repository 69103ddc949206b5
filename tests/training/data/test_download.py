import http.server
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from tests.training.pictures import class_folders
from training.data.download import DownloadError, PublishedArchive, fetch, git_blob_id


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass

    def send_header(self, keyword: str, value: str) -> None:
        if keyword == "Content-Length" and self.path.endswith("incomplete.zip"):
            value = str(int(value) + 1)
        super().send_header(keyword, value)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A web server of the folder that is also returned."""
    folder = tmp_path / "site"
    folder.mkdir()
    handler = lambda *args: Quiet(*args, directory=str(folder))  # noqa: E731
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def publish(folder: Path, url: str, blob: str | None = None) -> PublishedArchive:
    pets = class_folders(folder / "pets", {"cat": 10, "dog": 10})
    archive = folder / "pets.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(pets.rglob("*.jpg")):
            file.write(path, path.relative_to(pets))
    licences = {}
    for label in ("cat", "dog"):
        (folder / f"{label}_photos_info.json").write_text("{}")
        licences[f"{label}_photos_info.json"] = sha256(b"{}").hexdigest()
    return PublishedArchive(f"{url}/pets.zip", blob or git_blob_id(archive), url, licences)


def test_the_archive_is_downloaded_once_with_its_licences(
    site: tuple[Path, str], tmp_path: Path
) -> None:
    folder, url = site
    published = publish(folder, url)
    seen: list[tuple[int, int]] = []
    target = fetch(published, tmp_path / "to", lambda done, total: seen.append((done, total)))
    size = (folder / "pets.zip").stat().st_size
    assert target.read_bytes() == (folder / "pets.zip").read_bytes()
    assert seen[-1] == (size, size)
    assert len(list((tmp_path / "to/licenses").iterdir())) == 2
    (folder / "pets.zip").unlink()
    assert fetch(published, tmp_path / "to", lambda *_: None) == target


@pytest.mark.parametrize("fault", ["other content", "missing", "unreachable", "incomplete"])
def test_a_file_other_than_the_published_archive_is_not_kept(
    site: tuple[Path, str], tmp_path: Path, fault: str
) -> None:
    folder, url = site
    published = publish(folder, url, blob="0" * 40 if fault == "other content" else None)
    if fault == "missing":
        (folder / "pets.zip").unlink()
    if fault == "unreachable":
        published = replace(published, url="http://127.0.0.1:9/pets.zip")
    if fault == "incomplete":
        (folder / "pets.zip").rename(folder / "incomplete.zip")
        published = replace(published, url=f"{url}/incomplete.zip")
    with pytest.raises(DownloadError, match=r"(pets|incomplete)\.zip"):
        fetch(published, tmp_path / "to", lambda *_: None)
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["licenses"]


def test_an_altered_licence_list_is_not_kept(site: tuple[Path, str], tmp_path: Path) -> None:
    folder, url = site
    published = publish(folder, url)
    (folder / "dog_photos_info.json").write_text("[]")
    with pytest.raises(DownloadError, match=r"dog_photos_info\.json is not the published file"):
        fetch(published, tmp_path / "to", lambda *_: None)
    assert [path.name for path in (tmp_path / "to/licenses").iterdir()] == ["cat_photos_info.json"]
    assert not (tmp_path / "to/pets.zip").exists()


def test_the_blob_id_equals_that_of_git(tmp_path: Path) -> None:
    (tmp_path / "hello").write_text("hello\n")
    assert git_blob_id(tmp_path / "hello") == "ce013625030ba8dba906f756967f9e9ca394464a"
