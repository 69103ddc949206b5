"""Static files of the page over HTTP; the page itself is tested in `browser/`."""

import gzip
import re
from pathlib import Path
from posixpath import dirname, join, normpath

import pytest

from service.settings import ServiceSettings
from service.static_files import static_files


@pytest.fixture(scope="module")
def index(api):
    response = api.get("/")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    return response


def referenced(html: str) -> list[str]:
    """Return the paths of the files of the page, which are relative in the HTML."""
    return [f"/{each}" for each in re.findall(r'(?:href|src)="(web/[^"]+)"', html)]


def imports(module: str, text: str, *, dynamic: bool = True) -> set[str]:
    """Return the modules that a module imports; imports of types, in comments, do not count."""
    code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    paths = re.findall(r'(?:from |import\()"(\.[^"]+)"' if dynamic else r'from "(\.[^"]+)"', code)
    return {normpath(join(dirname(module), each)) for each in paths}


def import_closure(api, module: str, *, dynamic: bool = True) -> set[str]:
    """Return a module and all modules that it imports directly or indirectly."""
    found, pending = set(), {module}
    while pending:
        path = pending.pop()
        found.add(path)
        pending |= imports(path, api.get(path).text, dynamic=dynamic) - found
    return found


def test_root_returns_the_page(api, index):
    assert "<title>Belvedere</title>" in index.text
    assert "script-src 'self'" in index.headers["content-security-policy"]
    assert "unsafe" not in index.headers["content-security-policy"]


def test_page_is_served_without_a_release(serving, tmp_path):
    with serving(ServiceSettings(home=tmp_path)) as client:
        assert client.get("/").status_code == 200
        assert client.get("/web/js/app.js").status_code == 200


def test_referenced_files_exist(api, index):
    for path in referenced(index.text):
        assert api.get(path).status_code == 200, path


def test_modules_of_the_first_view_are_preloaded(api, index):
    preloaded = re.findall(r'modulepreload" href="(web/js/[^"]+)"', index.text)
    shared = import_closure(api, "/web/js/app.js", dynamic=False)
    assert sorted(f"/{each}" for each in preloaded) == sorted(shared)
    assert "/web/js/map/map-view.js" in shared
    assert "/web/js/review/review-view.js" not in shared


def test_every_module_is_imported(api):
    modules = {f"/web/{name}" for name in static_files() if name.startswith("js/")}
    assert import_closure(api, "/web/js/main.js") == modules


@pytest.mark.parametrize(
    ("folder", "allowed"),
    [
        ("core", {"core"}),
        ("experiments", {"core", "experiments"}),
        ("filters", {"core", "filters"}),
        ("map", {"core", "filters", "map"}),
        ("search", {"core", "filters", "search"}),
        ("images", {"core", "filters", "images", "map", "search"}),
        ("review", {"core", "filters", "images", "map", "review"}),
        ("adding", {"adding", "core", "images", "map"}),
        ("selection", {"core", "filters", "map", "selection"}),
    ],
)
def test_modules_import_only_from_lower_layers(folder, allowed):
    imported = set()
    for name, file in static_files().items():
        if dirname(name) == f"js/{folder}":
            imported |= imports(name, file.content.decode())
    assert imported
    assert {Path(each).parent.name for each in imported} <= allowed


def test_d3_is_version_5():
    assert re.match(rb"// https://d3js\.org v5\.", static_files()["d3.js"].content)


def test_files_contain_no_external_urls_and_no_inline_scripts():
    packaged = {"d3.js", "swagger-ui.css", "swagger-ui.js"}
    own = {name: each for name, each in static_files().items() if name not in packaged}
    for name, file in own.items():
        text = file.content.decode()
        urls = set(re.findall(r"https?://[^\s\"'`)]+", text)) - {"http://www.w3.org/2000/svg"}
        assert urls == set(), name
        assert not re.search(r"\son\w+=\"|\sstyle=\"|<style|javascript:", text), name


def test_content_types(api):
    for path, media_type in {
        "icon.svg": "image/svg+xml",
        "base.css": "text/css; charset=utf-8",
        "js/app.js": "text/javascript; charset=utf-8",
        "d3.js": "text/javascript; charset=utf-8",
    }.items():
        assert api.get(f"/web/{path}").headers["content-type"] == media_type


@pytest.mark.parametrize("coding", ["gzip", "identity"])
def test_unchanged_files_are_not_sent_again(api, coding):
    headers = {"Accept-Encoding": coding}
    with api.stream("GET", "/web/d3.js", headers=headers) as first:
        sent = b"".join(first.iter_raw())
    assert first.headers.get("content-encoding", "identity") == coding
    assert first.headers["vary"] == "Accept-Encoding"
    assert (gzip.decompress(sent) if coding == "gzip" else sent) == static_files()["d3.js"].content
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
def test_gzip_is_negotiated(api, accepted, coding):
    for path in ("/web/js/app.js", "/tsne?n=1"):
        answer = api.get(path, headers={"Accept-Encoding": accepted})
        assert answer.headers.get("content-encoding") == coding, path


@pytest.mark.parametrize(
    "path", ["", "nothing.js", "js", "../app.py", "%2e%2e/app.py", "js/../../app.py", "/etc/passwd"]
)
def test_other_paths_are_not_found(api, sentence, path):
    sentence(api.get(f"/web/{path}"), 404)
