"""Precomputed responses equal those of the routes."""

from urllib.parse import quote, quote_plus

import pytest

from api_tests.conftest import ODD_IDS, served
from service.settings import ServiceSettings


def test_a_precomputed_response_equals_that_of_the_route(api, records):
    for record in records[::7]:
        ready = api.get("/neighbors", params={"id": record["id"]})
        usual = api.get("/neighbors", params={"id": record["id"], "k": 3})
        assert ready.json() == usual.json()
        assert ready.headers["content-type"] == usual.headers["content-type"]
        assert ready.content == api.get("/neighbors", params={"id": record["id"]}).content


@pytest.mark.parametrize("identifier", ODD_IDS)
@pytest.mark.parametrize("encoded", [quote, quote_plus, lambda each: quote(each, safe="")])
def test_every_encoding_of_an_id_is_accepted(odd, identifier, encoded):
    answer = odd.get(f"/neighbors?id={encoded(identifier)}").json()
    assert answer["query"]["id"] == identifier


def test_precomputed_responses_are_counted(api, records):
    def counted() -> float:
        line = 'belvedere_requests_total{method="GET",route="/neighbors",status="200"} '
        lines = api.get("/metrics").text.splitlines()
        return sum(float(each.removeprefix(line)) for each in lines if each.startswith(line))

    before = counted()
    for params in ({"id": records[0]["id"]}, {"id": records[0]["id"], "k": 3}):
        api.get("/neighbors", params=params)
    assert counted() == before + 2


def test_other_methods_are_rejected(api, records):
    answer = api.put("/neighbors", params={"id": records[0]["id"]})
    assert answer.status_code == 405


def test_misses_are_not_cached_and_each_row_is_cached_once(home, records, sentence):
    with served(ServiceSettings(home=home)) as (client, state):
        for number in range(50):
            sentence(client.get("/neighbors", params={"id": f"none/{number}"}), 404)
            sentence(client.get("/predict", params={"id": f"none/{number}"}), 404)
        assert len(state.current_release().caches.neighborhoods) == 0
        assert len(state.current_release().caches.predictions) == 0
        for written in (records[0]["id"], quote(records[0]["id"], safe=""), "%66" + "x"):
            client.get(f"/neighbors?id={written}")
        assert len(state.current_release().caches.neighborhoods) == 1


def test_a_target_beyond_the_length_limit_is_rejected(api, records, sentence):
    identifier = records[0]["id"]
    assert api.get("/neighbors", params={"id": identifier, "x": "a" * 8000}).status_code == 200
    for call in ("/neighbors?id=", "/images?label=", "/images/", "/predict?id=", "/nowhere/"):
        for size in (8200, 60_000):
            answer = api.get(call + "a" * size)
            assert "8 KiB" in sentence(answer, 414)
            assert answer.headers["X-Request-ID"]


def test_precomputed_responses_are_logged(home, records, caplog):
    params = {"id": records[0]["id"]}
    with served(ServiceSettings(home=home, log="all")) as (client, state), caplog.at_level("INFO"):
        client.get("/neighbors", params=params)
        client.get("/neighbors", params=params | {"k": 3})
        assert len(state.current_release().caches.neighborhoods) == 1
    lines = [each.facts for each in caplog.records if each.getMessage() == "request completed"]
    ready, usual = (each | {"seconds": 0} for each in lines if each["route"] == "/neighbors")
    assert ready == usual
