import io

import numpy as np
import pytest
from PIL import Image

from service.client import Client
from service.settings import ServiceSettings


def nearest(features, identifier, keep=lambda stored: True):
    """Return ids and distances of all others by brute force, nearest first, ties by id."""
    query = np.array(features[identifier]["embedding"])
    found = [
        (float(np.linalg.norm(np.array(stored["embedding"]) - query)), other)
        for other, stored in features.items()
        if other != identifier and keep(stored)
    ]
    return sorted(found)


def pairs(answer):
    return [(each["distance"], each["id"]) for each in answer["neighbors"]]


def assert_same(answer, expected):
    assert [name for _, name in pairs(answer)] == [name for _, name in expected]
    assert [far for far, _ in pairs(answer)] == pytest.approx([far for far, _ in expected])


def test_the_three_nearest_agree_with_brute_force(api, features):
    for identifier in list(features)[::4]:
        answer = api.get("/neighbors", params={"id": identifier}).json()
        assert answer["query"] == {"id": identifier}
        assert (answer["k"], answer["metric"], answer["exact"]) == (3, "euclidean", True)
        assert_same(answer, nearest(features, identifier)[:3])


def test_a_large_k_returns_all_other_images_in_order(api, features):
    identifier = next(iter(features))
    answer = api.get("/neighbors", params={"id": identifier, "k": 1000}).json()
    assert_same(answer, nearest(features, identifier))
    assert identifier not in [name for _, name in pairs(answer)]


@pytest.mark.parametrize("split", ["train", "validation"])
def test_filters_select_matching_neighbours(api, features, split):
    identifier, stored = next(iter(features.items()))
    label = stored["label"]
    params = {"id": identifier, "k": 7, "label": label, "split": split}
    answer = api.get("/neighbors", params=params).json()
    expected = nearest(
        features, identifier, lambda other: other["label"] == label and other["split"] == split
    )
    assert_same(answer, expected[:7])
    assert {each["label"] for each in answer["neighbors"]} == {label}
    assert {each["split"] for each in answer["neighbors"]} == {split}


def test_an_uploaded_copy_is_at_distance_zero(api, records):
    for record in records[::30]:
        jpeg = api.get(f"/images/{record['id']}").content
        answer = api.post("/neighbors", params={"k": 4}, content=jpeg).json()
        assert answer["query"] == {"id": None}
        assert answer["neighbors"][0]["id"] == record["id"]
        assert answer["neighbors"][0]["distance"] == pytest.approx(0, abs=1e-3)
        stored = api.get("/neighbors", params={"id": record["id"]}).json()
        uploaded = {name: far for far, name in pairs(answer)[1:]}
        assert uploaded == pytest.approx({name: far for far, name in pairs(stored)}, abs=1e-3)


def test_filters_apply_to_uploads(api, a_jpeg):
    answer = api.post(
        "/neighbors", params={"label": "lake", "split": "train", "k": 5}, content=a_jpeg
    ).json()
    assert [(each["label"], each["split"]) for each in answer["neighbors"]] == [
        ("lake", "train")
    ] * 5


def test_the_error_for_an_unknown_class_names_the_known_ones(api, records, sentence):
    params = {"id": records[0]["id"], "label": "moon"}
    detail = sentence(api.get("/neighbors", params=params), 422)
    for label in api.get("/readyz").json()["classes"]:
        assert label in detail


def test_the_error_for_an_unknown_split_names_the_known_ones(api, records, sentence):
    params = {"id": records[0]["id"], "split": "test"}
    detail = sentence(api.get("/neighbors", params=params), 422)
    assert "train" in detail
    assert "validation" in detail


@pytest.mark.parametrize(("k", "status"), [("0", 422), ("-1", 422), ("abc", 400), ("1.5", 400)])
def test_k_must_be_a_positive_integer(api, records, sentence, a_jpeg, k, status):
    params = {"id": records[0]["id"], "k": k}
    assert "`k`" in sentence(api.get("/neighbors", params=params), status)
    assert "`k`" in sentence(api.post("/neighbors", params={"k": k}, content=a_jpeg), status)


def test_files_of_neighbours_can_be_downloaded(api, records):
    answer = api.get("/neighbors", params={"id": records[0]["id"]}).json()
    for each in answer["neighbors"]:
        assert api.get(each["image"]).headers["content-type"] == "image/jpeg"


def cropped(jpeg, left, top, right, bottom):
    """Return a part of an image as PNG; the edges are fractions."""
    image = Image.open(io.BytesIO(jpeg)).convert("RGB")
    width, height = image.size
    buffer = io.BytesIO()
    image.crop(
        (round(left * width), round(top * height), round(right * width), round(bottom * height))
    ).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_box_finds_the_images_like_that_part(api, records):
    for record in records[::25]:
        jpeg = api.get(f"/images/{record['id']}").content
        part = cropped(jpeg, 0.25, 0.5, 0.75, 1)
        params = {"k": 9, "box": "0.25,0.5,0.5,0.5", "split": "train"}
        uploaded = api.post("/neighbors", params=params, content=jpeg).json()
        expected = api.post("/neighbors", params={"k": 9, "split": "train"}, content=part).json()
        assert pairs(uploaded) == pairs(expected)
        stored = api.get("/neighbors", params={"id": record["id"], **params}).json()
        assert stored["query"] == {"id": record["id"]}
        others = [pair for pair in pairs(expected) if pair[1] != record["id"]]
        assert pairs(stored)[: len(others)] == others


def test_a_box_of_the_whole_image_changes_nothing(api, records):
    identifier = records[3]["id"]
    whole = api.get("/neighbors", params={"id": identifier, "box": "0,0,1,1", "k": 5}).json()
    stored = api.get("/neighbors", params={"id": identifier, "k": 5}).json()
    assert [name for _, name in pairs(whole)] == [name for _, name in pairs(stored)]
    assert [far for far, _ in pairs(whole)] == pytest.approx(
        [far for far, _ in pairs(stored)], abs=1e-3
    )


@pytest.mark.parametrize(
    ("box", "told"), [("0,0,2,1", "fractions"), ("1,2", "fractions"), ("0,0,.01,.01", "at least 8")]
)
def test_an_unusable_box_is_refused(api, records, sentence, a_jpeg, box, told):
    stored = api.get("/neighbors", params={"id": records[0]["id"], "box": box})
    assert told in sentence(stored, 422)
    assert told in sentence(api.post("/neighbors", params={"box": box}, content=a_jpeg), 422)


def test_a_box_needs_the_key_of_uploads(serving, home, records, sentence):
    params = {"id": records[0]["id"], "box": "0,0,.5,.5"}
    with serving(ServiceSettings(home=home, api_key="secret")) as client:
        sentence(client.get("/neighbors", params=params), 401)
        assert client.get("/neighbors", params={"id": records[0]["id"], "k": 4}).is_success
        assert client.get("/neighbors", params=params, headers={"X-API-Key": "secret"}).is_success


def test_the_client_sends_a_box(api, records, a_jpeg):
    identifier = records[0]["id"]
    with Client(str(api.base_url)) as client:
        stored = client.neighbors(identifier, box=(0, 0.25, 0.5, 0.5))
        uploaded = client.neighbors(image=a_jpeg, box=(0, 0.25, 0.5, 0.5), k=4)
    expected = api.get("/neighbors", params={"id": identifier, "box": "0,0.25,0.5,0.5"}).json()
    assert [each.id for each in stored.neighbors] == [name for _, name in pairs(expected)]
    assert {each.id for each in stored.neighbors} <= {each.id for each in uploaded.neighbors}


def test_stages_show_the_neighbours_of_each_model(api, features):
    answer = api.get("/neighbors/stages").json()
    assert len(answer["queries"]) == len({each["label"] for each in features.values()})
    for query in answer["queries"]:
        assert features[query["id"]]["split"] == "validation"
        assert api.get(query["image"]).status_code == 200
        assert [stage["title"] for stage in query["stages"]] == ["pixels", "own network"]
        for stage in query["stages"]:
            assert (stage["experiment"] is None) == (stage["title"] == "pixels")
            assert len(stage["neighbors"]) == 3
            for neighbor in stage["neighbors"]:
                stored = features[neighbor["id"]]
                assert (stored["split"], stored["label"]) == ("train", neighbor["label"])
                assert neighbor["right"] == (neighbor["label"] == query["label"])


def test_a_release_without_stages_has_no_queries(odd):
    assert odd.get("/neighbors/stages").json()["queries"] == []
