"""Changes by the clients and by `belvedere add --to`, against a service that writes."""

import asyncio
import os
import shutil
import subprocess
import sys
import zipfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx
import pytest

from api_tests.conftest import answering, served
from api_tests.pictures import jpeg_of
from service.client import (
    AsyncClient,
    ChangedMeanwhile,
    Client,
    Conflict,
    DeletedBefore,
    KeyRequired,
    RevisionNotReached,
    RoleRequired,
    UnknownDecision,
    UnknownImage,
    UnknownJob,
)
from service.client.items import Item
from service.keys import add_key
from service.schemas import REVISION_HEADER
from service.settings import ServiceSettings

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def url(serving, writable_home):
    with serving(ServiceSettings(home=writable_home, writable=True)) as api:
        yield str(api.base_url)


@pytest.fixture(scope="module")
def client(url):
    with Client(url) as client:
        yield client


def test_many_images_are_edited_and_the_edit_is_taken_back(client):
    added = [client.add(f"mine/edit-{n}", jpeg_of(9400 + n), "ocean") for n in range(3)]
    tags = {each.image.id: each.image.etag for each in added}
    edited = client.edit([*tags], label=None, add_tags=["x"], if_match=tags)
    assert edited.outcomes == {"relabelled": 3}
    found = client.images([*tags], min_revision=edited.revision).images
    assert {(each.label, each.tags) for each in found} == {(None, ("x",))}
    assert {each.id: each.etag for each in found} == edited.images
    with pytest.raises(ChangedMeanwhile):
        client.edit([*tags], reviewed=True, if_match=tags)
    undone = client.undo(edited.decisions)
    assert undone.outcomes == {"undone": 3}
    (first, *_) = client.images([*tags], min_revision=undone.revision).images
    assert (first.label, first.tags) == ("ocean", ())
    assert client.edit(first.id, reviewed=True).outcomes == {"reviewed": 1}
    assert client.distinct([*tags]).outcomes == {"distinct": 3}
    assert client.edit([*tags], deleted=True).outcomes == {"deleted": 3}
    with pytest.raises(UnknownDecision):
        client.undo("none")


def test_one_image_is_added_found_corrected_deleted_and_restored(client):
    added = client.add("mine/beach", jpeg_of(100), "ocean")
    assert (added.outcome, added.image.label) == ("added", "ocean")
    found = client.neighbors("mine/beach", min_revision=added.revision)
    assert found.neighbors == added.neighbors
    assert client.add("mine/beach", jpeg_of(100)).outcome == "unchanged"
    tag = added.image.etag
    corrected = client.relabel("mine/beach", "lake", if_match=tag)
    assert (corrected.outcome, corrected.image.label) == ("relabelled", "lake")
    with pytest.raises(ChangedMeanwhile):
        client.relabel("mine/beach", "road", if_match=tag)
    noted = client.relabel("mine/beach", attributes={"note": "windy"})
    assert noted.image.label == "lake"
    revision = client.delete("mine/beach")
    with pytest.raises(UnknownImage):
        client.neighbors("mine/beach", min_revision=revision)
    with pytest.raises(DeletedBefore):
        client.add("mine/beach", jpeg_of(100))
    assert client.restore("mine/beach").outcome == "restored"
    history = client.history("mine/beach")
    labels = [each.after for each in history.decisions]
    assert (labels[0], labels[-1]) == ("ocean", "lake")
    changes = client.changes(added.revision - 1)
    assert "mine/beach" in changes.added


def test_a_duplicate_and_a_conflict_name_the_stored_image(client):
    client.add("mine/first", jpeg_of(101), "lake")
    assert client.add("mine/second", jpeg_of(101)).outcome == "duplicate_of"
    with pytest.raises(Conflict, match="mine/first"):
        client.add("mine/second", jpeg_of(101), "road")


def test_many_images_have_an_outcome_each_in_their_order(client, tmp_path):
    (tmp_path / "a.jpg").write_bytes(jpeg_of(200))
    names = [f"many/{number}" for number in range(130)]
    items: list[Item] = [(name, jpeg_of(200 + number), "road") for number, name in enumerate(names)]
    items[0] = (names[0], tmp_path / "a.jpg", "road")
    items[70] = ("many/70", b"no image")
    items[80] = ("many/copy", jpeg_of(201), None)
    reported = []
    outcomes = client.add_many(iter(items), report=lambda some: reported.append(len(some)))
    assert sum(reported) == len(items)
    assert len(reported) > 1
    assert [each.outcome for each in outcomes[:70]] == ["added"] * 70
    assert [each.id for each in outcomes[:70]] == names[:70]
    assert (outcomes[70].outcome, outcomes[80].outcome) == ("rejected", "duplicate_of")
    assert outcomes[80].id == "many/1"
    again = client.add_many(items)
    assert {each.outcome for each in again} == {"unchanged", "rejected", "duplicate_of"}
    stored = [each.id for each in outcomes if each.outcome == "added"]
    revision = client.delete(stored)
    left = client.changes(0, min_revision=revision)
    assert len(stored) == 128
    assert not {*stored} & {*left.added}
    assert client.add_many(items[:2], restore=True)[0].outcome == "added"
    assert client.add_many([]) == ()
    assert client.delete([]) is None


def test_folders_and_zips_are_added(client, tmp_path):
    folder = tmp_path / "images"
    (folder / "lake").mkdir(parents=True)
    (folder / "lake" / "from folder.jpg").write_bytes(jpeg_of(400))
    with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
        archive.writestr("lake/from zip.jpg", jpeg_of(401))
    (one,) = client.add_many(folder)
    (other,) = client.add_many(str(tmp_path / "images.zip"))
    assert (one.id, one.outcome) == ("lake/from folder", "added")
    assert (other.id, other.outcome) == ("lake/from zip", "added")
    found = client.images(["lake/from folder", "lake/from zip"]).images
    assert [each.label for each in found] == ["lake", "lake"]


def test_both_clients_write_the_same(client, url):
    async def check():
        async with AsyncClient(url) as other:
            written = await other.add("async/a", jpeg_of(500), "lake")
            assert written.outcome == "added"
            (outcome,) = await other.add_many([("async/b", jpeg_of(501), "lake")])
            assert outcome.outcome == "added"
            assert (await other.wait_for(written.revision)).revision >= written.revision
            deleted = await other.delete(["async/a", "async/b"])
            assert deleted is not None
            assert deleted > written.revision

    asyncio.run(check())
    with pytest.raises(UnknownImage):
        client.predict("async/a")


@contextmanager
def losing_first_answers(url):
    """Yield the address of a proxy that forwards each call, and loses every second answer."""
    received = []

    class Handler(BaseHTTPRequestHandler):
        def _forward(self):
            received.append(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            wanted = ("content-type", "if-match")
            headers = {name: self.headers[name] for name in wanted if name in self.headers}
            answer = httpx.request(self.command, url + self.path, content=body, headers=headers)
            if len(received) % 2:
                return
            self.send_response(answer.status_code)
            for name in ("content-type", REVISION_HEADER):
                if name in answer.headers:
                    self.send_header(name, answer.headers[name])
            self.end_headers()
            self.wfile.write(answer.content)

        do_PUT = do_PATCH = do_POST = do_DELETE = _forward  # noqa: N815

        def log_message(self, *_):
            pass

    with answering(Handler) as address:
        yield address, received


def test_changes_are_repeated_if_their_answer_was_lost(client, url):
    with losing_first_answers(url) as (address, received), Client(address) as losing:
        assert losing.add("lost/a", jpeg_of(800), "lake").outcome == "unchanged"
        tag = client.images("lost/a").images[0].etag
        relabelled = losing.relabel("lost/a", "road", if_match=tag)
        assert relabelled.outcome == "unchanged"
        assert relabelled.image is not None
        assert relabelled.image.label == "road"
        (outcome,) = losing.add_many([("lost/b", jpeg_of(801), "lake")])
        assert outcome.outcome == "unchanged"
        assert losing.delete(["lost/a", "lost/b"]) == client.ready().revision
        assert losing.restore(["lost/a", "lost/b"]).outcome == "unchanged"
        assert len(received) == 10
    labels = {each.id: each.label for each in client.images(["lost/a", "lost/b"]).images}
    assert labels == {"lost/a": "road", "lost/b": "lake"}
    assert [each.after for each in client.history("lost/a").decisions].count("road") >= 1


def test_waiting_for_a_revision_ends_with_the_time_out(client):
    present = client.ready().revision
    assert client.wait_for(present).revision == present
    with pytest.raises(RevisionNotReached):
        client.wait_for(present + 1000, timeout=0.1)


def test_jobs_are_listed_and_cancelled(client, url):
    files = [("file", (f"lake/job{number}.jpg", jpeg_of(600 + number))) for number in range(101)]
    accepted = httpx.post(f"{url}/images", files=files, timeout=60)
    assert accepted.status_code == 202
    identifier = accepted.json()["job"]["id"]
    assert client.job(identifier).total == 101
    assert identifier in [each.id for each in client.jobs().jobs]
    assert client.cancel(identifier).id == identifier
    with pytest.raises(UnknownJob):
        client.job("20000101-000000-00000000")


@pytest.mark.parametrize("kind", ["without a key", "label"])
def test_a_role_is_required(copied_home, kind):
    settings = ServiceSettings(home=copied_home, writable=True)
    secret = add_key(settings.keys_file, "ada", "label")
    with served(settings) as (api, _):
        url = str(api.base_url)
        if kind == "without a key":
            with Client(url) as client, pytest.raises(KeyRequired):
                client.add("a", jpeg_of(1))
            return
        with Client(url, api_key=secret) as client:
            name = client.random_image().id
            relabelled = client.relabel(name, "unheard-of", new_class=True).image
            assert relabelled is not None
            assert relabelled.label == "unheard-of"
            assert client.history(name).decisions[-1].by == "ada"
            with pytest.raises(RoleRequired, match="write"):
                client.delete(name)


def add_to(url: str, home: Path, *arguments: str, **environment: str):
    return subprocess.run(
        [sys.executable, "-m", "belvedere", "add", "--to", url, *arguments],
        cwd=ROOT,
        env={**os.environ, "BELVEDERE_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def folder(tmp_path):
    for label in ("lake", "road"):
        (tmp_path / "new" / label).mkdir(parents=True)
    for number, name in enumerate(("lake/a.jpg", "lake/b.jpeg", "road/a.jpg", "road/b.jpg")):
        (tmp_path / "new" / name).write_bytes(jpeg_of(700 + number))
    (tmp_path / "new" / "road" / "copy.jpg").write_bytes(jpeg_of(702))
    (tmp_path / "new" / "road" / "broken.jpg").write_bytes(jpeg_of(702)[:500])
    (tmp_path / "new" / "road" / "notes.txt").write_text("no image")
    return tmp_path / "new"


def test_a_folder_is_sent_with_the_outcomes_of_a_local_addition(url, client, folder, tmp_path):
    pytest.importorskip("training")
    done = add_to(url, tmp_path / "home", str(folder))
    assert done.returncode == 0, done.stderr
    assert "Folders: 2 classes (lake, road); no predefined split." in done.stdout
    assert "Files: 4 added, 2 rejected, 1 duplicate." in done.stdout
    assert "road/notes.txt: " in done.stdout
    assert client.images("lake/b").images[0].label == "lake"
    outcomes = (tmp_path / "home" / "outcomes.csv").read_text().splitlines()
    assert len(outcomes) == 8
    again = add_to(url, tmp_path / "home", str(folder))
    assert "4 unchanged" in again.stdout


def test_single_files_are_in_a_class_folder_of_the_collection(url, client, tmp_path):
    pytest.importorskip("training")
    client.add("heron/first", jpeg_of(900), "heron", new_class=True)
    for number, label in enumerate(("heron", "unheard-of")):
        (tmp_path / label).mkdir()
        (tmp_path / label / "second.jpg").write_bytes(jpeg_of(901 + number))
    paths = [str(tmp_path / label / "second.jpg") for label in ("heron", "unheard-of")]
    done = add_to(url, tmp_path / "home", *paths)
    assert done.returncode == 0, done.stderr
    assert "Files: 1 added, 1 rejected." in done.stdout
    assert "the collection has no class 'unheard-of'" in done.stdout
    assert client.images("heron/second").images[0].label == "heron"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--mirror", "{folder}"], "--mirror applies to the feature store of this machine"),
        (["{folder}/road/notes.txt", "--label", "road"], "Nothing was added"),
        (["/nowhere"], "Nothing was added"),
    ],
)
def test_nothing_added_is_a_sentence_and_a_status(url, folder, tmp_path, arguments, sentence):
    pytest.importorskip("training")
    given = [each.format(folder=folder) for each in arguments]
    done = add_to(url, tmp_path / "home", *given)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_key_is_sent_and_never_shown(writable_home, folder, tmp_path):
    pytest.importorskip("training")
    home = tmp_path / "other"
    shutil.copytree(writable_home, home, symlinks=True)
    settings = ServiceSettings(home=home, writable=True)
    secret = add_key(settings.keys_file, "ada", "write")
    with served(settings) as (api, _):
        refused = add_to(str(api.base_url), tmp_path / "home", str(folder))
        assert "requires an API key" in refused.stderr
        done = add_to(str(api.base_url), tmp_path / "home", str(folder), BELVEDERE_API_KEY=secret)
    assert done.returncode == 0, done.stderr
    assert secret not in done.stdout + done.stderr
