"""Corpus of hostile images: each gets a response and affects no other request."""

import concurrent.futures
import itertools

import httpx
import pytest

from api_tests.calls import Call, getting, posting
from api_tests.hostile import corpus
from api_tests.hostile.case import Hostile, find_defect

POSTS = ("/predict", "/neighbors", "/tsne")


@pytest.fixture(scope="module")
def valid_calls(api, records) -> list[Call]:
    """Return valid requests for a few images."""
    calls: list[Call] = []
    for record in records[::12]:
        jpeg = api.get(f"/images/{record['id']}").content
        calls += [
            posting("/predict", content=jpeg),
            posting("/neighbors", content=jpeg),
            getting("/neighbors", id=record["id"], k=5),
        ]
    return calls


def test_the_corpus_is_large_and_deterministic():
    cases = corpus()
    assert len(cases) >= 200
    assert len({case.name for case in cases}) == len(cases)
    corpus.cache_clear()
    assert corpus() == cases


def test_every_hostile_image_gets_an_allowed_response_and_changes_no_later_one(api, a_jpeg):
    before = api.post("/predict", content=a_jpeg).content
    found = [find_defect(api.post("/predict", content=case.data), case) for case in corpus()]
    assert [each for each in found if each] == []
    assert api.get("/readyz").status_code == 200
    assert api.post("/predict", content=a_jpeg).content == before


@pytest.mark.parametrize("call", POSTS)
def test_responses_do_not_depend_on_call_or_file_name(api, call):
    names = itertools.cycle(
        [("photograph.jpg", "image/jpeg"), ("../../x.png", "image/png"), ("\0.webp", "text/html")]
    )
    found = []
    for case, (name, kind) in zip(corpus()[POSTS.index(call) :: 15], names, strict=False):
        form = api.post(call, files={"file": (name, case.data, kind)})
        body = api.post(call, content=case.data, headers={"Content-Type": kind})
        assert form.status_code == body.status_code, case.name
        found.append(find_defect(form, case))
    assert [each for each in found if each] == []


def test_hostile_requests_do_not_change_concurrent_responses(api, valid_calls):
    expected = [call(api).content for call in valid_calls]

    def attack(cases: tuple[Hostile, ...]) -> list[str | None]:
        with httpx.Client(base_url=api.base_url, timeout=60, trust_env=False) as own:
            return [find_defect(own.post("/predict", content=case.data), case) for case in cases]

    def send(_: int) -> list[bytes]:
        with httpx.Client(base_url=api.base_url, timeout=60, trust_env=False) as own:
            return [call(own).content for call in valid_calls]

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        attacks = [pool.submit(attack, corpus()[start::3]) for start in range(3)]
        answers = [pool.submit(send, number) for number in range(3)]
        assert all(answer.result() == expected for answer in answers)
        assert [each for done in attacks for each in done.result() if each] == []
    assert api.get("/readyz").status_code == 200
