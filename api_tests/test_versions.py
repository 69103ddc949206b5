"""Dataset versions over HTTP: list, difference, and images and features as they were."""

import shutil

import pytest

from service.client import Client, NoFeatures, UnknownVersion
from service.settings import ServiceSettings
from tests.tiny_release import (
    DELETED,
    IN_POOL,
    LABELS,
    MOVED,
    NEW,
    PER_CLASS,
    RELABELLED,
    REPLACED,
    TRAINING_VERSION,
    UNLABELLED,
)

ALL = len(LABELS) * PER_CLASS


def get(client, path, **params):
    response = client.get(path, params=params)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.fixture(scope="module")
def client(grown):
    with Client(str(grown.base_url)) as client:
        yield client


def test_versions_are_listed_newest_first_with_their_tags(grown):
    answer = get(grown, "/versions")
    versions = answer["versions"]
    revisions = [each["revision"] for each in versions]
    assert revisions == sorted(revisions, reverse=True)
    assert answer["total"] == len(versions) == 4
    assert versions[0]["revision"] == answer["revision"]
    assert versions[0]["tags"] == [f"release-{answer['release'].replace(' ', '-')}"]
    first = versions[-1]
    assert {"first", TRAINING_VERSION} < set(first["tags"])
    assert first["images"] == ALL
    assert first["classes"] == dict.fromkeys(LABELS, PER_CLASS)
    assert answer["training"]["version"] == TRAINING_VERSION
    assert answer["training"]["revision"] == first["revision"]
    assert versions[0]["images"] == ALL + 2
    assert versions[0]["classes"]["ocean"] == PER_CLASS + 2


def test_versions_are_paged(grown):
    everything = get(grown, "/versions")["versions"]
    page = get(grown, "/versions", limit=1, offset=1)
    assert page["versions"] == everything[1:2]
    assert page["total"] == len(everything)


def test_the_difference_names_every_change(grown):
    newest = get(grown, "/versions")["versions"][0]
    found = get(grown, "/versions/diff", a="first", b=newest["revision"])
    assert found["added"] == [NEW, IN_POOL, UNLABELLED]
    assert found["removed"] == [DELETED]
    assert found["replaced"] == [REPLACED]
    assert found["relabelled"] == [{"id": RELABELLED, "before": "lake", "after": "ocean"}]
    assert found["moved_to_pool"] == [MOVED]
    assert found["total"] == {
        "added": 3,
        "removed": 1,
        "replaced": 1,
        "relabelled": 1,
        "moved_to_pool": 1,
        "kept": 0,
    }
    none = {"added": 0, "removed": 0, "replaced": 0, "moved_to_pool": 0}
    assert found["by_class"]["lake"] == none | {"added": 1, "removed": 1}
    assert found["by_class"]["ocean"] == none | {"added": 2}
    page = get(grown, "/versions/diff", a="first", b=newest["revision"], limit=1, offset=1)
    assert page["added"] == [IN_POOL]
    assert page["removed"] == []
    assert page["total"] == found["total"]


def test_a_difference_can_be_read_backwards(grown):
    newest = get(grown, "/versions")["versions"][0]
    found = get(grown, "/versions/diff", a=newest["revision"], b="first")
    assert found["added"] == [DELETED]
    assert found["relabelled"] == [{"id": RELABELLED, "before": "ocean", "after": "lake"}]


@pytest.mark.parametrize("version", ["nowhere", "999", "0", "9" * 30, "..", "a/b"])
def test_an_unknown_version_is_a_problem(grown, sentence, version):
    for path, params in (
        ("/versions/diff", {"a": "first", "b": version}),
        ("/versions/diff", {"a": version, "b": "first"}),
        ("/images", {"at": version}),
        ("/features", {"at": version, "id": RELABELLED}),
    ):
        response = grown.get(path, params=params)
        assert "/versions" in sentence(response, 404)
        assert response.json()["type"] == "urn:problem-type:belvedere:unknown-version"


def test_images_are_listed_as_they_were(grown, records):
    found = get(grown, "/images", at="first", limit=1000)
    assert found["images"] == records
    assert found["total"] == ALL
    now = get(grown, "/images", limit=1000)
    assert now["total"] == ALL + 2
    newest = get(grown, "/versions")["versions"][0]
    assert get(grown, "/images", limit=1000, at=newest["revision"]) == now


def test_filters_apply_to_the_labels_and_splits_of_the_version(grown):
    lakes = get(grown, "/images", at="first", label="lake", limit=1000)
    assert lakes["total"] == PER_CLASS
    assert RELABELLED in [each["id"] for each in lakes["images"]]
    assert get(grown, "/images", at="first", id=DELETED)["images"][0]["id"] == DELETED
    assert get(grown, "/images", at="first", split="pool")["total"] == 0
    pool = get(grown, "/images", split="pool")
    assert {each["id"] for each in pool["images"]} == {IN_POOL, UNLABELLED, MOVED}
    assert {each["label"] for each in pool["images"]} == {"ocean", None, "city"}


def test_an_image_of_another_version_is_unknown(grown, sentence):
    assert sentence(grown.get("/images", params={"at": "first", "id": NEW}), 404)
    assert sentence(grown.get("/images", params={"id": DELETED}), 404)
    assert sentence(grown.get("/features", params={"at": "first", "id": NEW}), 404)


def test_images_that_the_model_has_not_learned_from_are_marked(grown):
    answer = get(grown, "/images", limit=1000)
    records = {each["id"]: each for each in answer["images"]}
    train = {each for each in records if records[each]["split"] == "train"}
    assert {each for each in train if not records[each]["learned"]} == {NEW, REPLACED}
    assert {each for each in records if records[each]["learned"]} - train == {MOVED}
    points = {each["id"]: each for each in get(grown, "/tsne", n=1000)["points"]}
    assert {each: points[each]["learned"] for each in points} == {
        each: records[each]["learned"] for each in records
    }
    experiments = get(grown, "/experiments")
    assert experiments["not_learned"] == 2
    assert experiments["training"] == get(grown, "/versions")["training"]


def test_features_are_those_of_the_file_at_the_version(grown, api):
    assert get(grown, "/features", id=DELETED, at="first") == {
        **get(api, "/features", id=DELETED),
        **{each: get(grown, "/versions")[each] for each in ("release", "revision")},
    }
    then = get(grown, "/features", id=REPLACED, at="first")
    now = get(grown, "/features", id=REPLACED)
    assert then["embedding"] != now["embedding"]
    assert then["embedding"] == get(api, "/features", id=REPLACED)["embedding"]
    relabelled = get(grown, "/features", id=RELABELLED, at="first")
    assert (relabelled["label"], get(grown, "/features", id=RELABELLED)["label"]) == (
        "lake",
        "ocean",
    )


def test_a_file_that_was_never_encoded_is_a_problem(serving, grown_home, tmp_path, sentence):
    home = tmp_path / "home"
    shutil.copytree(grown_home, home, symlinks=True)
    shutil.rmtree(home / "store" / "features")
    with serving(ServiceSettings(home=home)) as service:
        assert service.get("/features", params={"id": REPLACED}).status_code == 200
        response = service.get("/features", params={"id": REPLACED, "at": "first"})
        assert "not encoded" in sentence(response, 404)
        with Client(str(service.base_url)) as client, pytest.raises(NoFeatures):
            client.features(REPLACED, at="first")


def test_a_lost_store_is_a_problem_of_the_service(serving, grown_home, tmp_path, sentence):
    home = tmp_path / "home"
    shutil.copytree(grown_home, home, symlinks=True)
    with serving(ServiceSettings(home=home)) as service:
        shutil.rmtree(home / "store")
        assert "feature store" in sentence(service.get("/versions"), 503)
        assert sentence(service.get("/versions/diff", params={"a": "1", "b": "2"}), 503)
        assert sentence(service.get("/images", params={"at": "first"}), 503)


def test_a_new_tag_is_found_at_once(serving, grown_home, tmp_path):
    from embeddings.store.store import Store

    home = tmp_path / "home"
    shutil.copytree(grown_home, home, symlinks=True)
    with serving(ServiceSettings(home=home)) as service:
        assert service.get("/images", params={"at": "evening"}).status_code == 404
        Store(str(home / "store")).tag("evening")
        assert get(service, "/images", at="evening")["total"] == ALL + 2
        assert "evening" in get(service, "/versions")["versions"][0]["tags"]


def test_the_client_reads_versions(client, grown):
    assert client.versions().model_dump(mode="json") == get(grown, "/versions")
    assert client.diff("first", 5).model_dump(mode="json") == get(
        grown, "/versions/diff", a="first", b="5"
    )
    assert client.images(at="first", limit=2).model_dump(mode="json") == get(
        grown, "/images", at="first", limit=2
    )
    assert client.features(REPLACED, at="first").id == REPLACED
    with pytest.raises(UnknownVersion, match="nowhere"):
        client.diff("first", "nowhere")


def test_every_answer_names_the_revision(grown):
    revision = get(grown, "/readyz")["revision"]
    assert revision == get(grown, "/versions")["versions"][0]["revision"]
    for path, params in (
        ("/neighbors", {"id": NEW}),
        ("/neighbors", {"id": NEW, "k": 5}),
        ("/predict", {"id": NEW}),
        ("/tsne", {"n": 3}),
        ("/images", {}),
        ("/images/random", {}),
        ("/features", {"id": NEW}),
        ("/experiments", {}),
        ("/errors", {}),
        ("/labels/issues", {}),
        ("/labels/loop", {}),
        ("/neighbors/stages", {}),
        ("/robustness", {}),
        ("/calibration", {}),
    ):
        assert get(grown, path, **params)["revision"] == revision
