"""Cross-origin requests (CORS)."""

import pytest

from service.settings import ServiceSettings

NAMED = "https://gallery.example"
ELSEWHERE = "https://elsewhere.example"
KEY = "a key"


@pytest.fixture(scope="module")
def cors_client(serving, home):
    """Yield a client of a service with an API key and one permitted origin."""
    with serving(ServiceSettings(home=home, origins=(NAMED,), api_key=KEY)) as client:
        yield client


def preflight(client, path, method, headers, origin=NAMED):
    request_headers = {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }
    return client.options(path, headers=request_headers)


def listed(answer, name):
    return {each.strip().lower() for each in answer.headers.get(name, "").split(",")}


@pytest.mark.parametrize("path", ["/predict", "/neighbors", "/tsne"])
@pytest.mark.parametrize("headers", ["x-api-key", "content-type", "content-type,x-api-key"])
def test_a_named_origin_may_upload(cors_client, path, headers):
    answer = preflight(cors_client, path, "POST", headers)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == NAMED
    methods = {"get", "head", "post", "put", "patch", "delete"}
    assert listed(answer, "access-control-allow-methods") == methods
    assert set(headers.split(",")) <= listed(answer, "access-control-allow-headers")


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_named_origin_may_send_a_key_and_an_entity_tag(cors_client, method):
    answer = preflight(cors_client, "/tsne", method, "if-none-match,x-api-key,x-request-id")
    assert answer.status_code == 200


def test_only_supported_methods_are_allowed(cors_client):
    assert preflight(cors_client, "/predict", "TRACE", "x-api-key").status_code == 400
    assert preflight(cors_client, "/predict", "POST", "x-other").status_code == 400


@pytest.mark.parametrize("kind", ["image/jpeg", "application/octet-stream"])
def test_the_response_to_an_upload_is_readable(cors_client, a_jpeg, kind):
    headers = {"Origin": NAMED, "X-API-Key": KEY, "Content-Type": kind}
    answer = cors_client.post("/predict", content=a_jpeg, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == NAMED
    exposed = listed(answer, "access-control-expose-headers")
    assert {"retry-after", "x-request-id", "etag"} <= exposed


def test_problems_are_readable(cors_client, serving, tmp_path):
    with serving(ServiceSettings(home=tmp_path, origins=(NAMED,))) as empty:
        for client, path, status in (
            (cors_client, "/tsne", 401),
            (cors_client, "/nowhere", 404),
            (cors_client, "/images?limit=0", 422),
            (empty, "/readyz", 503),
        ):
            answer = client.get(path, headers={"Origin": NAMED})
            assert answer.status_code == status
            assert answer.headers["access-control-allow-origin"] == NAMED


def test_another_origin_gets_no_cors_headers(cors_client, records):
    answers = [
        preflight(cors_client, "/predict", "POST", "x-api-key", ELSEWHERE),
        preflight(cors_client, "/predict", "POST", "x-api-key", "null"),
        preflight(cors_client, "/predict", "POST", "x-api-key", f"{NAMED}.elsewhere.example"),
        cors_client.get("/images", headers={"Origin": ELSEWHERE}),
        cors_client.get(
            "/neighbors", params={"id": records[0]["id"]}, headers={"Origin": ELSEWHERE}
        ),
    ]
    for answer in answers:
        assert not [name for name in answer.headers if name.startswith("access-control")]
    assert [each.status_code for each in answers[:3]] == [405] * 3


@pytest.mark.parametrize("origin", [None, NAMED, ELSEWHERE])
@pytest.mark.parametrize("path", ["/images/{id}", "/neighbors?id={id}", "/web/js/app.js"])
def test_responses_vary_by_origin(cors_client, records, origin, path):
    headers = {} if origin is None else {"Origin": origin}
    answer = cors_client.get(path.format(id=records[0]["id"]), headers=headers)
    assert answer.status_code == 200
    assert "origin" in listed(answer, "vary")


def test_without_named_origins_responses_do_not_vary(api, records):
    assert "vary" not in api.get(f"/images/{records[0]['id']}").headers
