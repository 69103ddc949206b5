"""The corpus of hostile images: each is answered, and each harms only itself."""

import concurrent.futures
import itertools
from collections.abc import Callable

import httpx
import pytest

from api_tests.hostile import corpus
from api_tests.hostile.case import Hostile, complaint

POSTS = ("/predict", "/neighbors", "/tsne")


@pytest.fixture(scope="module")
def good_calls(api, records) -> list[Callable[[httpx.Client], httpx.Response]]:
    """Requests of people who mean well."""
    calls: list[Callable[[httpx.Client], httpx.Response]] = []
    for record in records[::12]:
        jpeg = api.get(f"/images/{record['id']}").content
        asked = {"id": record["id"], "k": 5}
        calls += [
            lambda client, jpeg=jpeg: client.post("/predict", content=jpeg),
            lambda client, jpeg=jpeg: client.post("/neighbors", content=jpeg),
            lambda client, asked=asked: client.get("/neighbors", params=asked),
        ]
    return calls


def test_the_corpus_is_large_and_always_the_same():
    cases = corpus()
    assert len(cases) >= 200
    assert len({case.name for case in cases}) == len(cases)
    corpus.cache_clear()
    assert corpus() == cases


def test_every_hostile_image_is_answered_and_none_leaves_a_trace(api, a_jpeg):
    before = api.post("/predict", content=a_jpeg).content
    found = [complaint(api.post("/predict", content=case.data), case) for case in corpus()]
    assert [each for each in found if each] == []
    assert api.get("/readyz").status_code == 200
    assert api.post("/predict", content=a_jpeg).content == before


@pytest.mark.parametrize("call", POSTS)
def test_it_is_the_same_for_every_call_and_whatever_the_file_calls_itself(api, call):
    names = itertools.cycle(
        [("photograph.jpg", "image/jpeg"), ("../../x.png", "image/png"), ("\0.webp", "text/html")]
    )
    found = []
    for case, (name, kind) in zip(corpus()[POSTS.index(call) :: 15], names, strict=False):
        form = api.post(call, files={"file": (name, case.data, kind)})
        body = api.post(call, content=case.data, headers={"Content-Type": kind})
        assert form.status_code == body.status_code, case.name
        found.append(complaint(form, case))
    assert [each for each in found if each] == []


def test_a_poisoned_request_hurts_only_itself(api, good_calls):
    expected = [call(api).content for call in good_calls]

    def attack(cases: tuple[Hostile, ...]) -> list[str | None]:
        with httpx.Client(base_url=api.base_url, timeout=60, trust_env=False) as own:
            return [complaint(own.post("/predict", content=case.data), case) for case in cases]

    def ask(_: int) -> list[bytes]:
        with httpx.Client(base_url=api.base_url, timeout=60, trust_env=False) as own:
            return [call(own).content for call in good_calls]

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        attacks = [pool.submit(attack, corpus()[start::3]) for start in range(3)]
        answers = [pool.submit(ask, number) for number in range(3)]
        assert all(answer.result() == expected for answer in answers)
        assert [each for done in attacks for each in done.result() if each] == []
    assert api.get("/readyz").status_code == 200
