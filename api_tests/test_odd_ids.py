"""Ids with spaces, reserved characters, other scripts, and names of paths."""

from unicodedata import normalize
from urllib.parse import quote

import pytest

from service.schemas import image_path

REACHABLE = (
    "forest/plain",
    "forest/a b#c?d%e&f=g+h",
    "forest/a%2Fb",
    "forest/Wälder über Zürich 山",
    "forest/deep/er/down",
    "lake/own/thumbnail",
    "lake/random",
    "lake/'quoted' \"twice\"",
)


@pytest.fixture(scope="module")
def tags(odd, odd_home):
    from embeddings.release.reader import current_release, open_release

    release = open_release(current_release(odd_home / "releases"))
    return {each.id: f'"{each.digest}-without-location"' for each in release.images}


@pytest.mark.parametrize("identifier", REACHABLE)
def test_every_id_has_a_file_and_a_thumbnail(odd, tags, identifier):
    answer = odd.get(image_path(identifier))
    assert answer.status_code == 200
    assert answer.headers["etag"] == tags[identifier]
    thumbnail = odd.get(f"{image_path(identifier)}/thumbnail")
    assert thumbnail.status_code == 200
    assert thumbnail.headers["etag"] != answer.headers["etag"]
    assert len(thumbnail.content) < len(answer.content)


@pytest.mark.parametrize("identifier", REACHABLE)
def test_every_call_finds_every_id(odd, identifier):
    for call in ("/predict", "/neighbors", "/features"):
        assert odd.get(call, params={"id": identifier}).status_code == 200
    assert odd.get(f"/features?id={quote(identifier, safe='')}").json()["id"] == identifier


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_an_id_is_found_in_every_unicode_form(odd, tags, form):
    stored = "forest/Wälder über Zürich 山"
    identifier = normalize(form, stored)
    for call in ("/neighbors", "/features", "/predict"):
        answer = odd.get(call, params={"id": identifier})
        assert answer.status_code == 200
        assert answer.json() == odd.get(call, params={"id": stored}).json()
    for address in (image_path(identifier), f"{image_path(identifier)}/thumbnail"):
        assert odd.get(address).status_code == 200
    page = odd.get("/images", params={"id": identifier}).json()
    assert [each["id"] for each in page["images"]] == [stored]


def test_the_paths_of_neighbours_are_valid(odd, tags):
    answer = odd.get("/neighbors", params={"id": "forest/plain", "k": 100}).json()
    found = {each["id"]: each["image"] for each in answer["neighbors"]}
    assert len(found) == len(tags) - 1
    for identifier in set(REACHABLE) - {"forest/plain"}:
        assert odd.get(found[identifier]).headers["etag"] == tags[identifier]


def test_the_path_of_random_images_precedes_an_image_of_that_id(odd, tags):
    assert odd.get("/images/random").headers["content-type"] == "application/json"
    assert odd.get("/images/random/thumbnail").headers["content-type"] == "image/jpeg"


def test_attribution_names_photographer_and_licence(odd):
    answer = odd.get("/neighbors", params={"id": "forest/deep/er/down"}).json()
    for each in answer["neighbors"]:
        assert each["attribution"]["photographer"] == "A. Photographer"
        assert each["attribution"]["licence"] == "CC BY 2.0"
        assert each["attribution"]["licence_url"].startswith("https://creativecommons.org/")


def test_the_name_of_an_experiment_may_contain_a_slash(odd):
    assert odd.get("/experiments/own net/plain").json()["name"] == "own net/plain"
