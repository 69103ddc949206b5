"""Saved selections: fixed sets and live filters, in all calls that take filters."""

import pytest

from api_tests.conftest import served
from api_tests.pictures import jpeg_of
from embeddings.store.store import Store
from service.client import ChangedMeanwhile, Client, UnknownImage, UnknownSelection
from service.problems import ProblemType
from service.settings import ServiceSettings

LAKES = ("lake/lake_0001", "lake/lake_0002", "lake/lake_0003")


@pytest.fixture
def api(copied_home):
    with served(ServiceSettings(home=copied_home, writable=True)) as (client, _):
        yield client


@pytest.fixture
def client(api):
    with Client(str(api.base_url)) as client:
        yield client


def test_a_fixed_selection_is_a_filter_of_all_calls(client, api):
    saved = client.save_selection("Lakes to print", [*reversed(LAKES), LAKES[0]])
    assert (saved.kind, saved.images, saved.missing, saved.filter) == ("fixed", 3, 0, None)
    assert client.ids(selection="Lakes to print").ids == LAKES
    assert client.images(selection="Lakes to print").total == 3
    assert {each.id for each in client.tsne(selection="Lakes to print").points} == {*LAKES}
    near = client.neighbors(LAKES[0], k=9, selection="Lakes to print").neighbors
    assert {each.id for each in near} == {*LAKES[1:]}
    assert client.facets(selection="Lakes to print", label="road").total == 0
    assert client.facets(selection="Lakes to print").label.values[0].count == 3
    params = {"selection": "Lakes to print", "seed": 5}
    assert len(api.get("/tsne", params=params).json()["points"]) == 3


def test_deleted_images_are_left_out_until_they_are_restored(client):
    client.save_selection("mine", LAKES)
    client.delete(LAKES[1])
    found = client.selection("mine")
    assert (found.images, found.missing) == (2, 1)
    assert client.ids(selection="mine").ids == (LAKES[0], LAKES[2])
    client.restore(LAKES[1])
    assert client.ids(selection="mine").ids == LAKES


def test_a_selection_that_another_person_changed_is_not_replaced(client, api):
    tag = client.save_selection("mine", LAKES).etag
    assert api.get("/selections/mine").headers["ETag"] == f'"{tag}"'
    mine = client.save_selection("mine", LAKES[:2], if_match=tag)
    assert mine.etag != tag
    # The answer may have been lost, so that the same change is sent again.
    assert client.save_selection("mine", LAKES[:2], if_match=tag).etag == mine.etag
    with pytest.raises(ChangedMeanwhile, match="'mine' was saved or deleted meanwhile"):
        client.save_selection("mine", LAKES[1:], if_match=tag)
    stale = api.delete("/selections/mine", headers={"If-Match": f'"{tag}"'})
    assert (stale.status_code, client.selection("mine").images) == (412, 2)
    match = {"If-Match": f'"{mine.etag}"'}
    assert api.delete("/selections/mine", headers=match).status_code == 204
    with pytest.raises(ChangedMeanwhile):
        client.save_selection("mine", LAKES, if_match=mine.etag)


def test_a_live_selection_follows_the_collection(client):
    before = client.ids(label="lake", split="train").ids
    saved = client.save_selection("lakes", label="lake", split="train")
    assert (saved.kind, saved.filter) == ("live", {"label": ["lake"], "split": ["train"]})
    assert client.ids(selection="lakes").ids == before
    client.relabel(before[0], "road")
    assert client.ids(selection="lakes").ids == before[1:]
    assert client.ids(selection="lakes", label="road").ids == ()
    client.add("lake/later", jpeg_of(4), "lake")
    assert client.selection("lakes").images == client.ids(label="lake", split="train").total


def test_images_added_later_can_be_selected(client):
    client.add("lake/later", jpeg_of(5), "lake")
    client.save_selection("new", ["lake/later", LAKES[0]])
    assert client.ids(selection="new").ids == (LAKES[0], "lake/later")
    client.delete("lake/later")
    assert client.ids(selection="new").ids == (LAKES[0],)


def test_a_name_is_saved_again_and_deleted(client, api, sentence):
    first = client.save_selection("a/b c?", LAKES)
    second = client.save_selection("a/b c?", LAKES[:1])
    assert (second.images, second.created) == (1, first.created)
    assert second.changed > first.changed
    client.save_selection("Zoe\u0308")
    assert [each.name for each in client.selections().selections] == ["Zoë", "a/b c?"]
    assert client.selection("Zoë") == client.selection("Zoe\u0308")
    client.delete_selection("a/b c?")
    assert [each.name for each in client.selections().selections] == ["Zoë"]
    for call in (client.selection, client.delete_selection):
        with pytest.raises(UnknownSelection, match="'a/b c\\?'"):
            call("a/b c?")
    unknown = api.get("/ids", params={"selection": "a/b c?"})
    assert "/selections" in sentence(unknown, 404)
    assert unknown.json()["type"] == ProblemType.UNKNOWN_SELECTION


def test_a_selection_without_images_is_empty(client):
    client.save_selection("nothing", [])
    assert client.ids(selection="nothing").total == 0


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({}, 422, "either `ids` or `filter`"),
        ({"ids": [], "filter": {}}, 422, "either `ids` or `filter`"),
        ({"filter": {"colour": ["lake"]}}, 422, "`colour`"),
        ({"filter": {"label": ["moon"]}}, 422, "'moon'"),
        ({"filter": {"label": "lake"}}, 400, "`label`"),
        ({"filter": {"selection": "other"}}, 422, "another selection"),
        ({"ids": ["lake/none"]}, 404, "'lake/none'"),
    ],
)
def test_unusable_contents_are_refused(api, sentence, body, status, said):
    assert said in sentence(api.put("/selections/mine", json=body), status)
    assert api.get("/selections").json()["selections"] == []


@pytest.mark.parametrize("name", ["%20a", "a%07b", "x" * 81])
def test_unusable_names_are_refused(api, sentence, name):
    assert "80" in sentence(api.put(f"/selections/{name}", json={"ids": []}), 422)
    assert api.get("/selections").json()["selections"] == []


def test_selections_survive_a_restart_and_are_read_by_others(client, copied_home):
    client.save_selection("mine", LAKES)
    client.save_selection("wrong", wrong=True)
    with served(ServiceSettings(home=copied_home)) as (reader, _):
        found = reader.get("/selections").json()["selections"]
        assert found == client.selections().model_dump(mode="json")["selections"]
        assert reader.get("/ids", params={"selection": "mine"}).json()["ids"] == [*LAKES]
        client.save_selection("mine", LAKES[:1])
        assert reader.get("/ids", params={"selection": "mine"}).json()["total"] == 1
        assert reader.put("/selections/a", json={"ids": []}).status_code == 403


def test_ids_of_unknown_images_save_nothing(client):
    with pytest.raises(UnknownImage):
        client.save_selection("mine", [*LAKES, "lake/none"])


def test_many_changes_leave_few_files(client, copied_home):
    for number in range(60):
        client.save_selection(f"{number % 3}", LAKES[: number % 3])
    table = Store(str(copied_home / "store")).selections
    assert {name: len(each.ids or ()) for name, each in table.read().items()} == {
        "0": 0,
        "1": 1,
        "2": 2,
    }
    folder = copied_home / "store/selections.lance"
    assert sum(path.is_file() for path in folder.rglob("*")) < 200
