"""Changes of the images over HTTP: outcomes, preconditions, and what later answers contain."""

import pytest

from api_tests.pictures import jpeg_of
from embeddings.store.store import Store
from embeddings.user import user_name
from service.problems import ProblemType
from service.schemas import REVISION_HEADER
from service.settings import ServiceSettings


@pytest.fixture(scope="module")
def api(serving, writable_home):
    with serving(ServiceSettings(home=writable_home, writable=True)) as client:
        yield client


def put(api, identifier, content, **parameters):
    return api.put(f"/images/{identifier}", content=content, params=parameters)


def ids_near(api, identifier):
    answer = api.get("/neighbors", params={"id": identifier, "k": 1000}).json()
    return [each["id"] for each in answer["neighbors"]]


def test_an_added_image_is_in_the_next_answer(api):
    before = api.get("/images").json()
    answer = put(api, "lake/mine", jpeg_of(1), label="lake")
    assert answer.status_code == 201
    body = answer.json()
    assert (body["outcome"], body["image"]["id"]) == ("added", "lake/mine")
    assert body["image"]["label"] == "lake"
    assert body["image"]["learned"] is False
    assert body["revision"] > before["revision"]
    assert answer.headers[REVISION_HEADER] == str(body["revision"])
    assert sum(body["prediction"]["probabilities"].values()) == pytest.approx(1)
    found = api.get("/neighbors", params={"id": "lake/mine"}).json()
    assert body["neighbors"] == found["neighbors"]
    assert len(found["neighbors"]) == 3
    assert api.get("/images").json()["total"] == before["total"] + 1
    assert (
        api.get("/predict", params={"id": "lake/mine"}).json()["label"]
        == (body["prediction"]["label"])
    )
    assert "lake/mine" in ids_near(api, found["neighbors"][0]["id"])


def test_sending_an_image_again_changes_nothing(api):
    first = put(api, "lake/again", jpeg_of(2), label="lake").json()
    second = put(api, "lake/again", jpeg_of(2), label="lake")
    assert second.status_code == 200
    assert second.json()["outcome"] == "unchanged"
    assert second.json()["revision"] == first["revision"]
    assert second.json()["image"] == first["image"]


def test_other_content_replaces_an_image(api):
    put(api, "lake/replaced", jpeg_of(3), label="lake")
    before = api.get("/features", params={"id": "lake/replaced"}).json()
    answer = put(api, "lake/replaced", jpeg_of(4))
    assert answer.json()["outcome"] == "replaced"
    assert answer.json()["image"]["label"] == "lake"
    after = api.get("/features", params={"id": "lake/replaced"}).json()
    assert after["embedding"] != before["embedding"]
    assert ids_near(api, "lake/again").count("lake/replaced") == 1


def test_another_label_relabels_an_image(api, writable_home):
    put(api, "lake/relabelled", jpeg_of(5), label="lake")
    answer = put(api, "lake/relabelled", jpeg_of(5), label="ocean")
    assert answer.json()["outcome"] == "relabelled"
    (*_, last) = Store(str(writable_home / "store")).labels.of("lake/relabelled")
    assert (last.decision.after, last.decision.by) == ("ocean", user_name())


def test_a_duplicate_is_not_stored_twice(api):
    put(api, "lake/first", jpeg_of(6), label="lake")
    total = api.get("/images").json()["total"]
    answer = put(api, "lake/second", jpeg_of(6), label="lake")
    assert answer.status_code == 200
    assert answer.json()["outcome"] == "duplicate_of"
    assert answer.json()["image"]["id"] == "lake/first"
    assert "lake/first" in answer.json()["detail"]
    assert api.get("/images").json()["total"] == total


def test_a_duplicate_with_another_label_is_a_conflict(api, sentence):
    put(api, "lake/certain", jpeg_of(7), label="lake")
    answer = put(api, "ocean/certain", jpeg_of(7), label="ocean")
    assert "lake/certain" in sentence(answer, 409)
    assert answer.json()["type"] == ProblemType.CONFLICT
    assert api.get("/images", params={"id": "ocean/certain"}).status_code == 404


def test_a_deleted_image_is_in_no_answer_and_stays_deleted(api, sentence):
    put(api, "lake/deleted", jpeg_of(8), label="lake")
    near = ids_near(api, "lake/deleted")[0]
    answer = api.delete("/images", params={"id": "lake/deleted"})
    assert answer.status_code == 204
    assert answer.content == b""
    revision = int(answer.headers[REVISION_HEADER])
    assert api.get("/images", params={"min_revision": revision}).json()["revision"] >= revision
    for call in ("/neighbors", "/features", "/predict"):
        sentence(api.get(call, params={"id": "lake/deleted"}), 404)
    for call in ("/images/lake/deleted", "/images/lake/deleted/thumbnail"):
        sentence(api.get(call), 404)
    sentence(api.get("/images", params={"id": "lake/deleted"}), 404)
    assert "lake/deleted" not in ids_near(api, near)
    points = api.get("/tsne", params={"n": 1000}).json()["points"]
    assert "lake/deleted" not in [each["id"] for each in points]
    refused = put(api, "lake/deleted", jpeg_of(8), label="lake")
    sentence(refused, 409)
    assert refused.json()["type"] == ProblemType.DELETED_BEFORE
    again = put(api, "lake/deleted", jpeg_of(8), label="lake", restore=True)
    assert again.status_code in (200, 201)
    assert "lake/deleted" in ids_near(api, near)


def test_a_deletion_can_be_taken_back(api):
    put(api, "lake/restored", jpeg_of(9), label="lake")
    api.delete("/images", params={"id": "lake/restored"})
    answer = api.post("/restore", json={"ids": ["lake/restored"]})
    assert answer.json()["outcome"] == "restored"
    assert answer.headers[REVISION_HEADER] == str(answer.json()["revision"])
    assert api.get("/images", params={"id": "lake/restored"}).status_code == 200
    assert api.post("/restore", json={"ids": ["lake/restored"]}).json()["outcome"] == "unchanged"


def test_a_correction_needs_the_present_entity_tag(api, sentence):
    etag = put(api, "lake/corrected", jpeg_of(10), label="lake").json()["image"]["etag"]
    call = {"params": {"id": "lake/corrected"}, "headers": {"If-Match": f'"{etag}"'}}
    changed = api.patch("/images", json={"label": "ocean", "attributes": {"note": "x"}}, **call)
    assert changed.status_code == 200
    assert changed.json()["image"]["label"] == "ocean"
    refused = api.patch("/images", json={"label": "city"}, **call)
    sentence(refused, 412)
    assert refused.json()["type"] == ProblemType.CHANGED_MEANWHILE
    (record,) = api.get("/images", params={"id": "lake/corrected"}).json()["images"]
    assert record["label"] == "ocean"
    free = api.patch("/images", json={"label": "city"}, params={"id": "lake/corrected"})
    assert free.json()["image"]["label"] == "city"


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("DELETE", "/images?id=lake/none", {}, 404),
        ("DELETE", "/images", {}, 400),
        ("PATCH", "/images?id=lake/none", {"json": {"label": "lake"}}, 404),
        ("PATCH", "/images?id=lake/lake_0000", {"json": {"label": " "}}, 422),
        ("PATCH", "/images?id=lake/lake_0000", {"json": {"split": "train"}}, 422),
        ("PATCH", "/images?id=lake/lake_0000", {"content": b"{"}, 400),
        (
            "PATCH",
            "/images?id=lake/lake_0000",
            {"json": {"label": "lake"}, "headers": {"If-Match": "plain"}},
            422,
        ),
        ("POST", "/restore", {"json": {"ids": ["lake/none"]}}, 404),
        ("POST", "/restore", {"json": {"ids": []}}, 422),
        ("POST", "/restore", {}, 400),
        ("PUT", "/images/lake/none", {"content": b"no image"}, 415),
        ("PUT", "/images/lake/none", {"content": b""}, 400),
        ("PUT", "/images/lake//none", {"content": jpeg_of(11)}, 422),
        ("PUT", "/images/lake/none?label=a/b", {"content": jpeg_of(11)}, 422),
    ],
)
def test_impossible_changes_are_problems(api, sentence, method, path, options, status):
    before = api.get("/images").json()["revision"]
    sentence(api.request(method, path, **options), status)
    assert api.get("/images").json()["revision"] == before


@pytest.mark.parametrize("path", ["/images/random", "/images/lake/x/thumbnail"])
def test_paths_of_other_calls_are_no_ids(api, sentence, path):
    refused = api.put(path, content=jpeg_of(13))
    sentence(refused, 405)
    assert refused.headers["Allow"] == "GET, HEAD"


def test_writes_are_counted(api):
    put(api, "lake/counted", jpeg_of(12), label="lake")
    metrics = api.get("/metrics").text
    assert 'belvedere_writes_total{outcome="added"}' in metrics
    assert "belvedere_commit_images_count" in metrics
