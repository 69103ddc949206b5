"""The files of the page as they are sent; the page itself is tried in `browser/`."""

import gzip
import re
from posixpath import dirname, join, normpath

import pytest

from service.settings import ServiceSettings
from service.static_files import assets


@pytest.fixture(scope="module")
def front(api):
    answer = api.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer


def referred(html: str) -> list[str]:
    """The page's files; it names them relative to its own address."""
    return [f"/{each}" for each in re.findall(r'(?:href|src)="(web/[^"]+)"', html)]


def imported(api, module: str) -> set[str]:
    """A module and all that it imports, directly or through others; types are none of it."""
    found, open_ends = set(), {module}
    while open_ends:
        path = open_ends.pop()
        found.add(path)
        text = re.sub(r"/\*.*?\*/", "", api.get(path).text, flags=re.DOTALL)
        named = re.findall(r'from "(\.[^"]+)"', text) + re.findall(r'import\("(\.[^"]+)"\)', text)
        open_ends |= {normpath(join(dirname(path), each)) for each in named} - found
    return found


def test_the_front_door_is_the_page(api, front):
    assert "<title>Belvedere</title>" in front.text
    assert "script-src 'self'" in front.headers["content-security-policy"]
    assert "unsafe" not in front.headers["content-security-policy"]


def test_it_is_there_before_a_release_is(serving, tmp_path):
    with serving(ServiceSettings(home=tmp_path)) as client:
        assert client.get("/").status_code == 200
        assert client.get("/web/js/app.js").status_code == 200


def test_all_that_it_refers_to_is_there(api, front):
    for path in referred(front.text):
        assert api.get(path).status_code == 200, path


def test_what_is_imported_is_asked_for_at_once(api, front):
    assert sorted(imported(api, "/web/js/main.js")) == sorted(
        path for path in referred(front.text) if path.startswith("/web/js/")
    )


def test_it_draws_with_the_d3_that_it_is_written_for():
    assert re.match(rb"// https://d3js\.org v5\.", assets()["d3.js"].plain)


def test_its_files_refer_to_nobody_else_and_hold_no_inline_script():
    others = {"d3.js", "swagger-ui.css", "swagger-ui.js"}
    own = {name: each for name, each in assets().items() if name not in others}
    for name, asset in own.items():
        text = asset.plain.decode()
        addresses = set(re.findall(r"https?://[^\s\"'`)]+", text)) - {"http://www.w3.org/2000/svg"}
        assert addresses == set(), name
        assert not re.search(r"\son\w+=\"|\sstyle=\"|<style|javascript:", text), name


def test_every_kind_of_file_has_its_type(api):
    for path, kind in {
        "icon.svg": "image/svg+xml",
        "base.css": "text/css; charset=utf-8",
        "js/app.js": "text/javascript; charset=utf-8",
        "d3.js": "text/javascript; charset=utf-8",
    }.items():
        assert api.get(f"/web/{path}").headers["content-type"] == kind


@pytest.mark.parametrize("coding", ["gzip", "identity"])
def test_a_copy_is_only_sent_anew_when_it_has_changed(api, coding):
    headers = {"Accept-Encoding": coding}
    with api.stream("GET", "/web/d3.js", headers=headers) as first:
        sent = b"".join(first.iter_raw())
    assert first.headers.get("content-encoding", "identity") == coding
    assert first.headers["vary"] == "Accept-Encoding"
    assert (gzip.decompress(sent) if coding == "gzip" else sent) == assets()["d3.js"].plain
    again = api.get("/web/d3.js", headers=headers | {"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = api.get("/web/d3.js", headers=headers | {"If-None-Match": '"other"'})
    assert other.status_code == 200


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("deflate, gzip;q=0.5", "gzip"),
        ("br, *", "gzip"),
        ("GZip", "gzip"),
        ("gzip;q=0", None),
        ("*, gzip; q=0.000", None),
        ("identity, *;q=0", None),
        ("br", None),
        ("", None),
    ],
)
def test_gzip_is_sent_to_whom_it_is_welcome(api, accepted, coding):
    for path in ("/web/js/app.js", "/tsne?n=1"):
        answer = api.get(path, headers={"Accept-Encoding": accepted})
        assert answer.headers.get("content-encoding") == coding, path


@pytest.mark.parametrize(
    "path", ["", "nothing.js", "js", "../app.py", "%2e%2e/app.py", "js/../../app.py", "/etc/passwd"]
)
def test_nothing_else_is_sent(api, sentence, path):
    sentence(api.get(f"/web/{path}"), 404)
