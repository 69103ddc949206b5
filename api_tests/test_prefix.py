"""Service under a path prefix, behind a reverse proxy that removes or keeps the prefix."""

from urllib.parse import urljoin

import httpx
import pytest

from api_tests.prefix import below
from embeddings.errors import SettingsError
from service.app import create_app
from service.client import Client
from service.settings import ServiceSettings

PREFIX = "/gallery"


@pytest.fixture(scope="module")
def rooted(serving, home):
    """Yield a client of a service with a root path."""
    with serving(ServiceSettings(home=home, root_path=PREFIX)) as client:
        yield client


@pytest.fixture(scope="module", params=["stripped", "passed"])
def proxied(request, rooted):
    with below(PREFIX, rooted, strips=request.param == "stripped") as client:
        yield client


def test_paths_in_responses_are_valid(proxied, records):
    root = str(proxied.base_url)
    error = proxied.get("errors").json()["errors"][0]
    neighbours = proxied.get("neighbors", params={"id": records[0]["id"]}).json()["neighbors"]
    others = proxied.get("neighbors", params={"id": records[0]["id"], "k": 4}).json()["neighbors"]
    paths = [each["image"] for each in (error, *neighbours, *others)]
    for path in [*paths, error["heatmap"]]:
        assert path.startswith(f"{PREFIX}/")
        answer = proxied.get(urljoin(root, path))
        assert answer.headers["content-type"] == "image/jpeg"


def test_the_openapi_description_names_the_path(proxied):
    assert proxied.get("openapi.json").json()["servers"] == [{"url": PREFIX}]
    text = proxied.get("docs").text
    assert 'href="web/swagger-ui.css"' in text
    assert 'href="/' not in text


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_clients_use_the_path(proxied, records, a_jpeg, slash):
    address = str(proxied.base_url).rstrip("/") + slash
    with Client(address) as client:
        assert client.ready().status == "ready"
        identifier = records[0]["id"]
        assert client.neighbors(identifier).query.id == identifier
        assert client.image(identifier).startswith(b"\xff\xd8")
        assert client.predict(image=a_jpeg).label


def test_the_path_without_its_slash_redirects_to_the_page(rooted):
    answer = rooted.get(PREFIX)
    assert answer.status_code == 308
    assert answer.headers["location"] == f"{PREFIX}/"
    assert "<title>Belvedere</title>" in rooted.get(f"{PREFIX}/").text
    assert rooted.get(f"{PREFIX}er/livez").status_code == 404
    assert rooted.head(f"{PREFIX}/livez").status_code == 200


@pytest.mark.parametrize(
    ("given", "taken"),
    [("/gallery/", "/gallery"), ("/", ""), ("", ""), ("/a/b-c_d.e", "/a/b-c_d.e")],
)
def test_a_root_path_may_end_with_a_slash(given, taken):
    assert ServiceSettings(root_path=given).root_path == taken


@pytest.mark.parametrize(
    "path",
    [
        "gallery",
        "//host",
        "/a//b",
        "/..",
        "/a/../b",
        "/a b",
        "/a?b",
        "/a%2Fb",
        "/ä",
        "/a\n",
        "http://x",
    ],
)
def test_an_invalid_path_is_rejected(path):
    with pytest.raises(ValueError, match="such as /gallery"):
        ServiceSettings(root_path=path)


@pytest.mark.parametrize("path", ["/images", "/web/x", "/docs"])
def test_a_root_path_must_not_equal_a_path_of_the_service(home, path):
    with pytest.raises(SettingsError, match="BELVEDERE_ROOT_PATH"):
        create_app(ServiceSettings(home=home, root_path=path))


def test_a_forwarded_header_changes_no_path(api: httpx.Client, records):
    forwarded = {"X-Forwarded-Prefix": "//elsewhere.example"}
    for _ in range(2):
        answer = api.get("/neighbors", params={"id": records[0]["id"]}, headers=forwarded)
        assert answer.json()["neighbors"][0]["image"].startswith("/images/")
