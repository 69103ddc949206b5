"""Labels that are no class: refused by every change, unless they are to become one."""

import json

import pytest

from api_tests.pictures import jpeg_of
from service.client import Client, UnknownClass
from service.problems import ProblemType
from service.settings import ServiceSettings


@pytest.fixture(scope="module")
def api(serving, writable_home):
    with serving(ServiceSettings(home=writable_home, writable=True)) as client:
        yield client


LAKE = "lake/lake_0001"


def form(*images):
    return {"files": [("file", (name, content)) for name, content in images]}


def manifest(label):
    lines = [{"file": "a.jpg", "id": "form/a", "label": label}]
    return {
        "files": [
            ("manifest", ("manifest.json", json.dumps(lines).encode())),
            ("file", ("a.jpg", jpeg_of(7000))),
        ]
    }


CALLS = [
    ("PATCH", f"/images?id={LAKE}", {"json": {"label": "laek"}}),
    ("POST", "/changes", {"json": {"ids": [LAKE], "label": "laek"}}),
    ("PUT", "/images/form/b?label=laek", {"content": jpeg_of(7001)}),
    ("POST", "/images?label=laek", form(("c.jpg", jpeg_of(7002)))),
    ("POST", "/images", form(("laek/d.jpg", jpeg_of(7003)))),
    ("POST", "/images", manifest("laek")),
]


@pytest.mark.parametrize(("method", "path", "sent"), CALLS)
def test_a_misspelt_class_is_refused_and_nothing_is_written(api, method, path, sent):
    revision = api.get("/readyz").json()["revision"]
    answer = api.request(method, path, **sent)
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["type"] == ProblemType.UNKNOWN_CLASS
    assert "There is no class 'laek' (the nearest is 'lake')" in problem["detail"]
    assert "city, field, forest, lake, mountain, ocean, road" in problem["detail"]
    assert "`new_class=true`" in problem["detail"]
    assert api.get("/readyz").json()["revision"] == revision


def test_a_new_class_is_created_once_and_is_known_afterwards(api):
    with Client(str(api.base_url)) as client:
        with pytest.raises(UnknownClass):
            client.edit(LAKE, label="pond")
        client.edit(LAKE, label="pond", new_class=True)
        client.relabel("lake/lake_0002", "pond")
        # A class that no image has any more is unknown again.
        client.edit([LAKE, "lake/lake_0002"], label="lake")
        with pytest.raises(UnknownClass):
            client.relabel(LAKE, "pond")
        with pytest.raises(UnknownClass):
            client.add_many([("new/a", jpeg_of(7010), "marsh")])
        (added,) = client.add_many([("new/a", jpeg_of(7010), "marsh")], new_class=True)
        assert added.outcome == "added"
        with pytest.raises(UnknownClass):
            client.add("new/b", jpeg_of(7011), "bog")
        assert client.add("new/b", jpeg_of(7011), "bog", new_class=True).outcome == "added"
        assert client.images("new/b").images[0].label == "bog"


def test_new_class_alone_is_no_change(api):
    answer = api.post("/changes", json={"ids": [LAKE], "new_class": True})
    assert (answer.status_code, "No change is named" in answer.text) == (422, True)
