"""Filters over HTTP: the same conditions in all calls."""

from datetime import date
from typing import Any

import pytest

from service.client import Client
from service.image_filter import FilterValues

CALLS = ("/images", "/images/random", "/tsne", "/errors", "/labels/issues", "/facets", "/ids")


def of_call(answer):
    """Return the ids that a call found, and its total."""
    body = answer.json()
    (found,) = [body[name] for name in ("images", "points", "errors", "issues") if name in body]
    return {each["id"] for each in found}, body.get("total")


@pytest.fixture(scope="module")
def predictions(api, records):
    return {each["id"]: api.get("/predict", params={"id": each["id"]}).json() for each in records}


def test_values_of_a_condition_are_alternatives(api, records):
    params = {"label": ["lake", "road"], "split": "train", "limit": 1000}
    found, total = of_call(api.get("/images", params=params))
    assert total == len(found)
    assert found == {
        each["id"]
        for each in records
        if each["label"] in ("lake", "road") and each["split"] == "train"
    }


def test_typicality_and_prediction_are_those_of_the_answers(api, predictions):
    params = {"typicality_min": 0.2, "typicality_max": 0.7, "predicted": "lake", "limit": 1000}
    found, _ = of_call(api.get("/images", params=params))
    assert found == {
        name
        for name, each in predictions.items()
        if 0.2 <= each["typicality"] <= 0.7 and each["label"] == "lake"
    }
    uncertain, _ = of_call(api.get("/images", params={"uncertain": "true", "limit": 1000}))
    assert uncertain == {name for name, each in predictions.items() if len(each["set"]) != 1}


def test_wrong_validation_images_are_the_errors(api):
    errors, _ = of_call(api.get("/errors", params={"limit": 1000}))
    params = {"wrong": "true", "split": "validation", "limit": 1000}
    assert of_call(api.get("/images", params=params))[0] == errors
    lakes, total = of_call(api.get("/errors", params={"label": "lake"}))
    assert lakes == {each for each in errors if each.startswith("lake/")}
    assert total == len(lakes)


def test_the_map_is_that_of_all_images_with_fewer_points(api):
    every = {each["id"]: each for each in api.get("/tsne", params={"n": 1000}).json()["points"]}
    params = {"label": "road", "wrong": "true", "n": 1000}
    found = api.get("/tsne", params=params).json()["points"]
    assert found == [
        each
        for each in every.values()
        if each["label"] == "road" and each["predicted"] != each["label"]
    ]
    assert 0 < len(found) < len(every)


def test_the_map_of_another_seed_is_fitted_to_the_matching_images(api):
    params = {"label": "road", "seed": 5, "n": 1000}
    roads = api.get("/tsne", params=params).json()["points"]
    lakes = api.get("/tsne", params={**params, "label": "lake"}).json()["points"]
    assert {each["label"] for each in roads} == {"road"}
    assert {each["label"] for each in lakes} == {"lake"}
    assert api.get("/tsne", params={**params, "tag": "none"}).json()["points"] == []


def test_neighbours_meet_the_filter(api, records, a_jpeg, predictions):
    params = {"id": records[0]["id"], "k": 500, "wrong": "true"}
    found = api.get("/neighbors", params=params).json()["neighbors"]
    wrong = {
        each["id"] for each in records if predictions[each["id"]]["label"] != each["label"]
    } - {records[0]["id"]}
    assert {each["id"] for each in found} == wrong
    uploaded = api.post("/neighbors", params={"k": 500, "split": "pool"}, content=a_jpeg).json()
    assert uploaded["neighbors"] == []


def test_unlabelled_and_later_images_are_found(grown):
    found, _ = of_call(grown.get("/images", params={"labelled": "false"}))
    assert found == {"unsorted/new"}
    later, _ = of_call(grown.get("/images", params={"learned": "false", "split": "train"}))
    assert "lake/new" in later


def test_facets_show_the_result_of_another_choice(api, records):
    params = {"label": "lake", "split": "train"}
    facets = api.get("/facets", params=params).json()
    assert facets["total"] == api.get("/images", params=params).json()["total"]
    for each in facets["label"]["values"]:
        chosen = api.get("/images", params={**params, "label": each["value"]}).json()
        assert chosen["total"] == each["count"]
    assert {each["value"] for each in facets["label"]["values"]} == {
        each["label"] for each in records
    }
    histogram = facets["typicality"]["counts"]
    assert (len(histogram), sum(histogram)) == (20, facets["total"])
    few = api.get("/facets", params={**params, "values": 1}).json()["label"]
    assert [each["value"] for each in few["values"]][-1] == "lake"
    assert few["distinct"] == facets["label"]["distinct"]


def test_all_matching_ids_are_listed_in_order(api, records):
    wanted = [each["id"] for each in records if each["split"] == "validation"]
    answer = api.get("/ids", params={"split": "validation"}).json()
    assert (answer["ids"], answer["total"]) == (wanted, len(wanted))
    page = api.get("/ids", params={"split": "validation", "limit": 5, "offset": 3}).json()
    assert (page["ids"], page["total"]) == (wanted[3:8], len(wanted))
    assert api.get("/ids", params={"offset": 10**20}).json()["ids"] == []


def test_the_client_takes_filters_as_arguments(api):
    with Client(str(api.base_url)) as client:
        filters: FilterValues = {"label": ["lake", "road"], "wrong": True, "typicality_min": 0.1}
        params = {"label": ["lake", "road"], "wrong": "true", "typicality_min": 0.1}
        for answer, path in (
            (client.images(**filters), "/images"),
            (client.ids(**filters), "/ids"),
            (client.facets(**filters), "/facets"),
            (client.tsne(**filters), "/tsne"),
            (client.errors(**filters), "/errors"),
            (client.label_issues(**filters), "/labels/issues"),
        ):
            assert answer.model_dump(mode="json") == api.get(path, params=params).json()
        assert client.ids(taken_from=date(2020, 1, 2)).total == 0
        assert client.ids(split="train", tag=None).total == client.ids(split=["train"]).total > 0
        unknown: dict[str, Any] = {"colour": "lake"}
        with pytest.raises(TypeError, match="'colour'"):
            client.ids(**unknown)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("params", "status", "said"),
    [
        ({"label": ["lake", "moon"]}, 422, "'moon'"),
        ({"predicted": "moon"}, 422, "'moon'"),
        ({"split": ["train", "test"]}, 422, "`split`"),
        ({"typicality_min": "2"}, 422, "`typicality_min`"),
        ({"typicality_max": "nan"}, 422, "`typicality_max`"),
        ({"taken_from": "yesterday"}, 400, "2024-05-31"),
        ({"taken_to": "0"}, 400, "`taken_to`"),
        ({"wrong": "perhaps"}, 400, "`wrong`"),
        ({"tag": "x" * 201}, 422, "`tag`"),
    ],
)
def test_an_unusable_condition_is_named(api, sentence, call, params, status, said):
    assert said in sentence(api.get(call, params=params), status)


def test_a_dataset_version_has_no_predictions(grown, sentence):
    params = {"at": "first", "label": "lake", "wrong": "true", "typicality_min": 0.5}
    detail = sentence(grown.get("/images", params=params), 422)
    assert "`wrong`" in detail
    assert "`typicality_min`" in detail
    assert "`label`, `" not in detail
    both = {"at": "first", "label": ["lake", "road"], "split": "train"}
    assert grown.get("/images", params=both).json()["total"] > 0
