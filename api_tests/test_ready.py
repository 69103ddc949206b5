"""Answers that are kept ready must be those that the usual way gives."""

from urllib.parse import quote, quote_plus

import pytest

from api_tests.conftest import ODD_IDS


def test_the_ready_answer_is_the_usual_one(api, records):
    for record in records[::7]:
        ready = api.get("/neighbors", params={"id": record["id"]})
        usual = api.get("/neighbors", params={"id": record["id"], "k": 3})
        assert ready.json() == usual.json()
        assert ready.headers["content-type"] == usual.headers["content-type"]
        assert ready.content == api.get("/neighbors", params={"id": record["id"]}).content


@pytest.mark.parametrize("identifier", ODD_IDS)
@pytest.mark.parametrize("encoded", [quote, quote_plus, lambda each: quote(each, safe="")])
def test_every_way_to_write_an_id_finds_it(odd, identifier, encoded):
    answer = odd.get(f"/neighbors?id={encoded(identifier)}").json()
    assert answer["query"]["id"] == identifier


def test_ready_answers_are_counted_with_the_others(api, records):
    def counted() -> float:
        line = 'belvedere_requests_total{method="GET",route="/neighbors",status="200"} '
        lines = api.get("/metrics").text.splitlines()
        return sum(float(each.removeprefix(line)) for each in lines if each.startswith(line))

    before = counted()
    for asked in ({"id": records[0]["id"]}, {"id": records[0]["id"], "k": 3}):
        api.get("/neighbors", params=asked)
    assert counted() == before + 2


def test_other_methods_are_refused_as_ever(api, records):
    answer = api.put("/neighbors", params={"id": records[0]["id"]})
    assert answer.status_code == 405
