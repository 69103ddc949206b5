"""Edits of stored images over HTTP: many at once, reviews, tags, and decisions taken back."""

import pytest

from api_tests.pictures import jpeg_of
from service.problems import ProblemType
from service.settings import ServiceSettings


@pytest.fixture(scope="module")
def api(serving, writable_home):
    with serving(ServiceSettings(home=writable_home, writable=True)) as client:
        yield client


@pytest.fixture
def images(api, request):
    """Etags of three stored images of the class lake, by id."""
    first = sum(map(ord, request.node.name)) * 10
    names = [f"lake/{request.node.name}-{number}" for number in range(3)]
    return {
        name: api.put(f"/images/{name}", content=jpeg_of(first + number), params={"label": "lake"})
        .json()["image"]["etag"]
        for number, name in enumerate(names)
    }  # fmt: skip


def record(api, name):
    (found,) = api.get("/images", params={"id": name}).json()["images"]
    return found


def decisions(api, name):
    return api.get("/history", params={"id": name}).json()["decisions"]


def change(api, images, **changes):
    return api.post("/changes", json={"ids": [*images], **changes})


def test_many_images_are_relabelled_in_one_revision_and_taken_back(api, images):
    before = api.get("/images").json()["revision"]
    done = change(api, images, label="ocean", if_match=images).json()
    assert done["outcomes"] == {"relabelled": 3}
    assert done["revision"] == before + 1
    assert len(done["decisions"]) == 3
    for name in images:
        assert record(api, name)["label"] == "ocean"
        assert record(api, name)["etag"] == done["images"][name]
    undone = api.post("/undo", json={"decisions": done["decisions"]}).json()
    assert undone["outcomes"] == {"undone": 3}
    for name in images:
        assert record(api, name)["label"] == "lake"
        last = decisions(api, name)[-1]
        assert last["undoes"] == decisions(api, name)[-2]["key"]
        assert last["key"] in undone["decisions"]


def test_one_stale_image_prevents_the_change_of_all(api, images, sentence):
    first, second, _ = images
    api.patch("/images", params={"id": second}, json={"reviewed": True})
    refused = change(api, images, label="ocean", if_match=images)
    assert second in sentence(refused, 412)
    assert refused.json()["type"] == ProblemType.CHANGED_MEANWHILE
    assert refused.json()["ids"] == [second]
    both = change(api, [*images, "none"], label="ocean", if_match=images)
    assert both.status_code == 412
    assert both.json()["ids"] == [second, "none"]
    unknown = change(api, [first, "none"], label="ocean")
    assert (unknown.status_code, unknown.json()["ids"]) == (404, ["none"])
    assert [record(api, name)["label"] for name in images] == ["lake"] * 3


def test_a_review_is_a_decision_that_others_see(api, images, sentence):
    name, etag = next(iter(images.items()))
    call = {"params": {"id": name}, "headers": {"If-Match": f'"{etag}"'}}
    kept = api.patch("/images", json={"reviewed": True}, **call).json()
    assert kept["outcome"] == "reviewed"
    assert kept["image"]["label"] == "lake"
    assert kept["image"]["etag"] != etag
    assert [each["why"] for each in decisions(api, name)] == ["import", "reviewed"]
    sentence(api.patch("/images", json={"label": "city"}, **call), 412)
    again = api.patch("/images", json={"reviewed": True}, **call).json()
    assert (again["outcome"], again["decisions"]) == ("unchanged", kept["decisions"])
    undone = api.post("/undo", json={"decisions": kept["decisions"]})
    assert undone.json()["outcomes"] == {"undone": 1}


def test_a_keep_of_another_label_than_the_present_one_is_refused(api, images, sentence):
    name, etag = next(iter(images.items()))
    call = {"params": {"id": name}, "headers": {"If-Match": f'"{etag}"'}}
    assert api.patch("/images", json={"label": "ocean", "reviewed": True}, **call).is_success
    sentence(api.patch("/images", json={"reviewed": True}, **call), 412)


def test_tags_are_added_removed_and_taken_back(api, images):
    added = change(api, images, add_tags=["night", "to check"]).json()
    assert added["outcomes"] == {"changed": 3}
    removed = change(api, images, add_tags=["sun"], remove_tags=["night"]).json()
    assert change(api, images, remove_tags=["night"]).json()["outcomes"] == {"unchanged": 3}
    assert api.post("/undo", json={"decisions": added["decisions"]}).status_code == 412
    undone = api.post("/undo", json={"decisions": removed["decisions"]}).json()
    assert undone["outcomes"] == {"undone": 3}
    repeated = api.post("/undo", json={"decisions": removed["decisions"]}).json()
    assert repeated["outcomes"] == {"unchanged": 3}
    assert repeated["decisions"] == undone["decisions"]
    why = [each["why"] for each in decisions(api, next(iter(images)))]
    assert why[1:] == [
        'tags:{"add":["night","to check"],"remove":[]}',
        'tags:{"add":["sun"],"remove":["night"]}',
        'undo:tags:{"add":["sun"],"remove":["night"]}',
    ]


def test_images_are_left_out_and_brought_back(api, images):
    left = change(api, images, deleted=True).json()
    assert left["outcomes"] == {"deleted": 3}
    assert api.get("/images", params={"id": next(iter(images))}).status_code == 404
    assert change(api, images, deleted=False).json()["outcomes"] == {"restored": 3}
    left = change(api, images, deleted=True).json()
    back = api.post("/undo", json={"decisions": left["decisions"]}).json()
    assert back["outcomes"] == {"undone": 3}
    assert record(api, next(iter(images)))["etag"] == back["images"][next(iter(images))]


def test_a_label_is_removed_and_taken_back(api, images):
    name = next(iter(images))
    before = record(api, name)
    done = api.patch("/images", params={"id": name}, json={"label": None}).json()
    assert (done["image"]["label"], done["image"]["split"]) == (None, "pool")
    api.post("/undo", json={"decisions": done["decisions"]})
    after = record(api, name)
    assert (after["label"], after["split"]) == ("lake", before["split"])


def test_different_images_are_remembered(api, images, home):
    done = api.post("/distinct", json={"ids": [*images]}).json()
    assert done["outcomes"] == {"distinct": 3}
    again = api.post("/distinct", json={"ids": [*images]}).json()
    assert again["outcomes"] == {"unchanged": 3}


def test_a_review_that_is_taken_back_leaves_the_one_before(api, images):
    name = next(iter(images))
    assert record(api, name)["reviewed"] is None
    first = api.patch("/images", params={"id": name}, json={"label": "ocean"}).json()
    second = api.patch("/images", params={"id": name}, json={"label": "city"}).json()
    assert first["image"]["reviewed"] < second["image"]["reviewed"]
    api.post("/undo", json={"decisions": second["decisions"]})
    found = record(api, name)
    assert found["label"] == "ocean"
    assert first["image"]["reviewed"] <= found["reviewed"] < second["image"]["reviewed"]
    api.post("/undo", json={"decisions": first["decisions"]})
    assert record(api, name)["reviewed"] is None


def test_a_difference_names_the_images_whose_labels_were_kept(api, images):
    first, second, third = images
    before = record(api, first)
    revision = api.get("/readyz").json()["revision"]
    change(api, [first], reviewed=True)
    change(api, [second], label="ocean")
    last = change(api, [third], add_tags=["night"]).json()["revision"]
    versions = {"a": revision, "b": last}
    found = api.get("/versions/diff", params=versions).json()
    assert found["kept"] == [first]
    assert found["total"]["kept"] == 1
    assert [each["id"] for each in found["relabelled"]] == [second]
    assert record(api, first)["etag"] != before["etag"]


def test_a_list_of_the_wrong_length_names_the_limit(api):
    one = api.post("/distinct", json={"ids": ["lake/lake_0000"]})
    assert one.json()["detail"] == "The parameter `ids` has 1 item; send at least 2."
    many = api.post("/restore", json={"ids": [str(number) for number in range(1001)]})
    assert many.json()["detail"] == "The parameter `ids` has 1,001 items; send at most 1,000."


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/changes", {"ids": []}, 422),
        ("/changes", {"ids": ["lake/lake_0000"]}, 422),
        ("/changes", {"ids": ["lake/lake_0000"], "deleted": True, "label": "lake"}, 422),
        ("/changes", {"ids": ["lake/lake_0000"], "add_tags": [" x"]}, 422),
        ("/changes", {"ids": ["lake/lake_0000"], "add_tags": ["x" * 65]}, 422),
        ("/changes", {"ids": ["lake/lake_0000"], "add_tags": ["a"], "remove_tags": ["a"]}, 422),
        ("/undo", {"decisions": ["none"]}, 404),
        ("/undo", {"decisions": []}, 422),
        ("/distinct", {"ids": ["lake/lake_0000"]}, 422),
        ("/distinct", {"ids": ["lake/lake_0000", "lake/lake_0000"]}, 422),
    ],
)
def test_impossible_edits_are_problems(api, sentence, path, body, status):
    before = api.get("/images").json()["revision"]
    sentence(api.post(path, json=body), status)
    assert api.get("/images").json()["revision"] == before
