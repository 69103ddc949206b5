"""Search by examples and counter-examples."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api_tests.pictures import jpeg_of
from service.client import Client, UnknownImage
from service.settings import ServiceSettings


def ids_of(answer):
    return [each["id"] for each in answer["neighbors"]]


def expected(features, like, unlike, keep=lambda stored: True):
    """Return pairs of distance and id by brute force: nearest to the query first, ties by id."""

    def mean(ids):
        return np.mean([features[each]["embedding"] for each in ids], axis=0)

    query = mean(like)
    if unlike:
        query = query + 0.5 * (query - mean(unlike))
    return sorted(
        (float(np.linalg.norm(np.array(stored["embedding"]) - query)), identifier)
        for identifier, stored in features.items()
        if identifier not in {*like, *unlike} and keep(stored)
    )


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_answers_agree_with_brute_force(api, features, data):
    chosen = data.draw(
        st.lists(st.sampled_from(sorted(features)), min_size=1, max_size=7, unique=True)
    )
    like = chosen[: data.draw(st.integers(1, len(chosen)))]
    unlike = chosen[len(like) :]
    k = data.draw(st.integers(1, 30))
    answer = api.post("/search", json={"like": like, "unlike": unlike, "k": k}).json()
    found = expected(features, like, unlike)[:k]
    distances = [each["distance"] for each in answer["neighbors"]]
    assert distances == pytest.approx([distance for distance, _ in found], abs=1e-4)
    by_id = {identifier: distance for distance, identifier in expected(features, like, unlike)}
    assert [by_id[each] for each in ids_of(answer)] == pytest.approx(distances, abs=1e-4)
    assert (answer["like"], answer["unlike"], answer["k"]) == (like, unlike, k)
    assert (answer["metric"], answer["exact"]) == ("euclidean", True)


def test_one_example_finds_its_neighbours(api, records):
    for record in records[::20]:
        answer = api.post("/search", json={"like": [record["id"]], "k": 5}).json()
        near = api.get("/neighbors", params={"id": record["id"], "k": 5}).json()
        assert answer["neighbors"] == near["neighbors"]


def test_examples_and_counter_examples_are_left_out(api, records):
    ids = [record["id"] for record in records]
    body = {"like": [*ids[:3], ids[0]], "unlike": ids[3:5], "k": 1000}
    answer = api.post("/search", json=body).json()
    assert sorted(ids_of(answer)) == sorted(ids[5:])
    assert answer["like"] == ids[:3]


def test_filters_are_those_of_neighbours(api, features):
    like = next(iter(features))
    answer = api.post(
        "/search", params={"label": "lake", "split": "train"}, json={"like": [like], "k": 9}
    ).json()
    found = expected(
        features, [like], [], lambda each: (each["label"], each["split"]) == ("lake", "train")
    )
    assert ids_of(answer) == [identifier for _, identifier in found[:9]]


def test_a_saved_selection_is_searched(serving, copied_home, records):
    ids = [record["id"] for record in records]
    with serving(ServiceSettings(home=copied_home, writable=True)) as client:
        saved = client.put("/selections/few", json={"ids": ids[5:9]})
        assert saved.is_success, saved.text
        body = {"like": ids[:1], "unlike": ids[5:6], "k": 50}
        answer = client.post("/search", params={"selection": "few"}, json=body).json()
    assert sorted(ids_of(answer)) == sorted(ids[6:9])


def test_a_counter_example_moves_images_like_it_back(api, features):
    labels = {identifier: stored["label"] for identifier, stored in features.items()}
    first = {
        label: next(each for each in labels if labels[each] == label) for label in ("lake", "city")
    }
    ranks = []
    for unlike in ([], [first["city"]]):
        body = {"like": [first["lake"]], "unlike": unlike, "k": 1000}
        found = [
            each for each in ids_of(api.post("/search", json=body).json()) if each != first["city"]
        ]
        ranks.append(sum(found.index(each) for each in found if labels[each] == "city"))
    assert ranks[1] > ranks[0]


def test_an_added_image_is_found_and_a_deleted_one_is_not(serving, copied_home, a_jpeg):
    with serving(ServiceSettings(home=copied_home, writable=True)) as client:
        assert client.put(
            "/images/new/one", content=jpeg_of(5), params={"label": "lake"}
        ).is_success
        body = {"like": ["new/one"], "k": 1000}
        found = client.post("/search", json=body).json()
        gone = ids_of(found)[0]
        assert client.delete("/images", params={"id": gone}).status_code == 204
        answer = client.post("/search", json=body).json()
        assert ids_of(answer) == ids_of(found)[1:]
        assert "new/one" in ids_of(
            client.post("/search", json={"like": [ids_of(found)[1]], "k": 1000}).json()
        )


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"like": ["nowhere"]}, 404, "nowhere"),
        ({"like": []}, 422, "`like`"),
        ({}, 400, "`like`"),
        ({"like": ["x"] * 101}, 422, "`like`"),
        ({"like": ["x"], "k": 0}, 422, "`k`"),
        ({"like": ["x"], "dislike": ["y"]}, 422, "`dislike`"),
    ],
)
def test_refusals_name_the_cause(api, sentence, body, status, told):
    assert told in sentence(api.post("/search", json=body), status)


def test_an_image_cannot_be_example_and_counter_example(api, records, sentence):
    name = records[0]["id"]
    told = sentence(api.post("/search", json={"like": [name], "unlike": [name]}), 422)
    assert name in told
    assert "leave it out" in told


def test_the_client_searches_by_examples(api, records):
    ids = [record["id"] for record in records[:3]]
    with Client(str(api.base_url)) as client:
        answer = client.search(ids[0], ids[1:], k=4, label="lake")
        assert answer.like == (ids[0],)
        assert answer.unlike == tuple(ids[1:])
        assert [each.label for each in answer.neighbors] == ["lake"] * 4
        with pytest.raises(UnknownImage):
            client.search("nowhere")
