import gzip
import json

import numpy as np
import pytest

from api_tests.conftest import MAP_SEED


def points(api, **params):
    return api.get("/tsne", params=params).json()["points"]


def places(found):
    return {each["id"]: (each["x"], each["y"]) for each in found}


def test_points_are_images_of_the_release(api, features):
    found = points(api, n=40)
    assert len({each["id"] for each in found}) == 40
    for each in found:
        stored = features[each["id"]]
        for name in ("label", "predicted", "split"):
            assert each[name] == stored[name]
        assert np.isfinite([each["x"], each["y"]]).all()


def test_a_smaller_sample_is_a_prefix_of_a_larger_one(api):
    assert points(api, n=10) == points(api, n=25)[:10]


def test_a_large_n_returns_all(api, features):
    assert set(places(points(api, n=100_000))) == set(features)


def test_images_of_a_class_are_close_on_the_map(api, features):
    """Neighbours in the embedding space are nearer on the map than random images."""
    found = places(points(api, n=100_000))
    near = []
    for identifier in list(found)[:40]:
        answer = api.get("/neighbors", params={"id": identifier, "k": 1}).json()
        other = answer["neighbors"][0]["id"]
        near.append(np.hypot(*np.subtract(found[identifier], found[other])))
    all_places = np.array(list(found.values()))
    spread = np.median(np.linalg.norm(all_places - np.median(all_places, axis=0), axis=1))
    assert np.median(near) < spread / 3


def test_the_map_depends_on_the_seed_alone(api):
    published, first, again = (places(points(api, n=100_000, seed=seed)) for seed in (0, 1, 1))
    assert first == again
    assert first.keys() == published.keys()
    assert all(first[identifier] != published[identifier] for identifier in first)
    assert [each["id"] for each in points(api, n=9)] != list(first)[:9]


def test_the_default_map_is_the_published_one(odd):
    published = points(odd, n=100_000)
    assert published == points(odd, n=100_000, seed=MAP_SEED)
    fitted = points(odd, n=100_000, seed=0)
    assert [each["id"] for each in fitted] != [each["id"] for each in published]


def test_the_published_map_is_sent_with_gzip(api):
    def sent(coding, **params):
        headers = {"Accept-Encoding": coding}
        with api.stream("GET", "/tsne", params={"n": 30} | params, headers=headers) as answer:
            return answer.headers, b"".join(answer.iter_raw())

    plain, small = sent("identity"), sent("gzip")
    assert "content-encoding" not in plain[0]
    assert small[0]["content-encoding"] == "gzip"
    assert plain[0]["vary"] == small[0]["vary"] == "Accept-Encoding"
    assert gzip.decompress(small[1]) == plain[1]
    assert len(json.loads(plain[1])["points"]) == 30
    assert "content-encoding" not in sent("gzip", seed=1)[0]


def test_a_fitted_map_contains_only_the_sampled_images(api, features):
    found = points(api, n=12, seed=7)
    assert len(set(places(found))) == 12
    assert set(places(found)) <= set(features)


def test_an_uploaded_copy_is_placed_near_the_stored_image(api, records):
    found = places(points(api, n=100_000))
    all_places = np.array(list(found.values()))
    spread = np.median(np.linalg.norm(all_places - np.median(all_places, axis=0), axis=1))
    away = []
    for record in records[::25]:
        jpeg = api.get(f"/images/{record['id']}").content
        answer = api.post("/tsne", content=jpeg).json()
        assert set(answer) == {"point", "release", "revision"}
        place = (answer["point"]["x"], answer["point"]["y"])
        away.append(np.hypot(*np.subtract(place, found[record["id"]])))
    assert np.median(away) < spread / 3


@pytest.mark.parametrize("name", ["n", "seed"])
def test_parameters_out_of_range_are_rejected(api, sentence, name):
    assert f"`{name}`" in sentence(api.get("/tsne", params={name: -1}), 422)
    assert f"`{name}`" in sentence(api.get("/tsne", params={name: "many"}), 400)


def test_zero_images_and_seeds_beyond_32_bits_are_rejected(api, sentence):
    sentence(api.get("/tsne", params={"n": 0}), 422)
    sentence(api.get("/tsne", params={"seed": 2**32}), 422)
