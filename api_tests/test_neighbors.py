import numpy as np
import pytest


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
