"""The reference of all calls: docs/api.md, and the page that the service shows."""

import re
from collections import Counter
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest

from service.reference.__main__ import PAGE, written
from service.settings import ServiceSettings


class Found(HTMLParser):
    """What a page consists of, and what it refers to."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.references, self.open = Counter(), Counter(), set(), []
        self.attributes = set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags[tag] += 1
        self.attributes |= set(given)
        self.ids.update({given["id"]: 1} if "id" in given else {})
        self.references |= {given[name] for name in ("href", "src", "action") if name in given}
        if tag not in ("meta", "link", "wbr"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def shown(api):
    answer = api.get("/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return Found(answer.text)


def test_the_committed_reference_is_what_the_description_says():
    assert PAGE.read_text(encoding="utf-8") == written(), "run `make api`"


def test_its_links_lead_somewhere():
    text = PAGE.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    anchors = [re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings]
    assert len(set(anchors)) == len(anchors)
    referred = set(re.findall(r"\]\(#([^)]+)\)", text))
    assert len(referred) > 30
    assert referred <= set(anchors)


def test_the_page_shows_every_call(api, shown):
    for calls in api.get("/openapi.json").json()["paths"].values():
        for operation in calls.values():
            assert shown.ids[f"call-{operation['operationId']}"] == 1


def test_the_page_runs_no_script_and_needs_nobody_else(shown):
    assert shown.open == []
    assert not {"script", "style", "iframe", "img"} & set(shown.tags)
    assert not [name for name in shown.attributes if name == "style" or name.startswith("on")]
    # Relative, so that a reverse proxy may show the page below a path.
    assert not [each for each in shown.references if each[0] == "/" or urlsplit(each).scheme]


def test_what_the_page_refers_to_is_there(api, shown):
    assert max(shown.ids.values()) == 1
    assert {each[1:] for each in shown.references if each[0] == "#"} <= set(shown.ids)
    for address in shown.references:
        if address[0] != "#":
            assert api.get(urljoin("/docs", address)).status_code == 200, address


def test_its_style_is_a_file_of_its_own(api):
    answer = api.get("/web/reference.css")
    assert answer.headers["content-type"].startswith("text/css")
    assert "prefers-color-scheme: dark" in answer.text
    assert "url(" not in answer.text


def test_the_page_names_the_address_it_was_asked_at(api):
    assert f"curl &#x27;{str(api.base_url).rstrip('/')}/livez&#x27;" in api.get("/docs").text


def test_a_forged_address_is_only_text(api):
    text = api.get("/docs", headers={"Host": "<script>alert(1)</script>"}).text
    assert "<script" not in text


def test_it_is_there_before_a_release_is(serving, tmp_path):
    with serving(ServiceSettings(home=tmp_path)) as client:
        assert client.get("/readyz").status_code == 503
        assert "lake/lake_0000" in client.get("/docs").text
