"""Releases that are swapped or damaged while the service receives requests."""

import shutil
from functools import partial
from pathlib import Path

import httpx
import pytest

from api_tests.chaos.running import Running, continuous_requests, running, valid_calls, wait_until
from embeddings.digests import file_digest
from embeddings.encoded import Encoded
from embeddings.index.knn_graph import NeighborGraph
from embeddings.release.manifest import MANIFEST
from embeddings.release.reader import (
    CURRENT,
    FEATURES,
    PublishedFeatures,
    current_release,
    open_release,
    write_features,
)

pytestmark = pytest.mark.chaos

SWAPS = 20
GROWTH = 1.10


def add_changed_release(releases: Path) -> Path:
    """Add a release with doubled embeddings and a shifted map."""
    release = open_release(current_release(releases))
    draft = releases / "draft"
    shutil.copytree(release.folder, draft)
    features = PublishedFeatures(
        encoded=Encoded(release.embeddings * 2, release.probabilities),
        points=release.points + 1000,
        graph=NeighborGraph(release.graph.rows, release.graph.distances * 2),
        typicalities=release.typicalities,
        training_distances=release.training_distances * 2,
        learned=release.learned,
    )
    write_features(draft / FEATURES, release.images.ids, features)
    files = release.manifest.files | {FEATURES: file_digest(draft / FEATURES)}
    manifest = release.manifest.model_copy(update={"files": files}).sealed()
    (draft / MANIFEST).write_text(manifest.model_dump_json(indent=2))
    return draft.rename(releases / manifest.folder)


def point_to(releases: Path, folder: Path) -> None:
    draft = releases / ".next"
    draft.symlink_to(folder.name)
    draft.replace(releases / CURRENT)


def serves(client: httpx.Client, folder: Path) -> bool:
    found = client.get("/readyz").json()
    return (
        found["release"] == open_release(folder).manifest.fingerprint and found["refused"] is None
    )


@pytest.fixture
def two_releases(copied_home: Path) -> tuple[Path, Path]:
    """Return the folders of the current release and of another one."""
    releases = copied_home / "releases"
    return current_release(releases), add_changed_release(releases)


def test_releases_are_swapped(copied_home, two_releases, tally):
    """Two releases are swapped under load; each answer is of one of them, bit for bit."""
    releases = copied_home / "releases"
    with running(copied_home) as service, service.client() as client:
        calls = valid_calls(service)
        expected = _answers_of(service, client, calls, releases, two_releases)
        with continuous_requests(service, calls, clients=3) as sent:
            for number in range(SWAPS):
                with tally.attempt():
                    chosen = two_releases[number % 2]
                    point_to(releases, chosen)
                    wait_until(partial(serves, client, chosen))
    assert sent.errors == []
    assert {answer.status_code for _, answer in sent.answers} == {200}
    served = set()
    for number, answer in sent.answers:
        release = answer.json()["release"]
        served.add(release)
        assert answer.content == expected[release][number]
    assert served == set(expected)
    tally.measured = f"{len(sent.answers):,} requests meanwhile, none failed, none mixed"


def _answers_of(
    service: Running, client: httpx.Client, calls: list, releases: Path, folders: tuple[Path, ...]
) -> dict[str, list[bytes]]:
    """Return the responses of each release without load, by its fingerprint."""
    found = {}
    for folder in folders:
        point_to(releases, folder)
        wait_until(partial(serves, client, folder))
        answers = [call(client) for call in calls]
        found[answers[0].json()["release"]] = [answer.content for answer in answers]
    assert len(set(map(tuple, found.values()))) == len(folders)
    return found


def test_memory_after_swaps(copied_home, two_releases, tally):
    """Replaced releases are freed (at most 10 % growth of memory)."""
    releases, resident = copied_home / "releases", []
    with running(copied_home) as service, service.client() as client:
        calls = valid_calls(service)
        for number in range(SWAPS):
            with tally.attempt():
                chosen = two_releases[(number + 1) % 2]
                point_to(releases, chosen)
                wait_until(partial(serves, client, chosen))
                assert {call(client).status_code for call in calls} == {200}
            resident.append(service.resident_bytes())
    after_two, last = resident[1], resident[-1]
    tally.measured = (
        f"{after_two / 1e6:.0f} MB after 2 swaps, {last / 1e6:.0f} MB after {SWAPS} "
        f"({last / after_two - 1:+.1%})"
    )
    assert last <= after_two * GROWTH


HARMS = {
    "damaged": lambda content: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
    "cut short": lambda content: content[: len(content) // 2],
    "emptied": lambda content: b"",
    "missing": None,
}


def test_each_file_is_damaged(copied_home, two_releases, tally):
    """A release with a damaged or missing file is rejected until it is repaired."""
    releases = copied_home / "releases"
    old, new = two_releases
    names = sorted(path.name for path in new.iterdir())
    with (
        running(copied_home) as service,
        service.client() as client,
        continuous_requests(service, valid_calls(service, 1), clients=1) as sent,
    ):
        serving = client.get("/readyz").json()["release"]
        for name in names:
            content = (new / name).read_bytes()
            for harm in HARMS.values():
                with tally.attempt():
                    if harm is None:
                        (new / name).unlink()
                    else:
                        (new / name).write_bytes(harm(content))
                    point_to(releases, new)
                    wait_until(lambda: client.get("/readyz").json()["refused"])
                    found = client.get("/readyz").json()
                    assert found["release"] == serving
                    assert "publish it again" in found["refused"]
                    (new / name).write_bytes(content)
                    wait_until(partial(serves, client, new))
                    point_to(releases, old)
                    wait_until(partial(serves, client, old))
    assert sent.errors == []
    assert {answer.status_code for _, answer in sent.answers} == {200}
    tally.measured = f"{len(names)} files; {len(sent.answers):,} requests meanwhile, none failed"
