"""Problem types: what error responses carry, what clients raise, and what is documented."""

import re
from pathlib import Path

import httpx
import pytest

import belvedere
import service.client
from api_tests.conftest import served
from embeddings.images import MAX_PIXELS, MIN_SIDE
from service.api_documents import PROBLEMS_PAGE, problems_page
from service.client import Client, ServiceError, UnexpectedResponse, endpoints
from service.client.errors import PROBLEM_ERRORS, ImageRejected, result_of
from service.middleware.request_limits import MOST_ADDRESS_BYTES
from service.problems import PROBLEMS, ProblemType, title_of
from service.settings import ServiceSettings

METRICS_PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"


def test_the_committed_page_documents_every_type():
    assert PROBLEMS_PAGE.read_text("utf-8") == problems_page(), "run `make api`"
    documented = re.findall(r"^\| `([^`]+)` \|", PROBLEMS_PAGE.read_text("utf-8"), re.MULTILINE)
    assert documented == list(ProblemType)


def test_every_metric_is_documented(api):
    rows = re.findall(r"^\| `([^`]+)` \| (\w+) \|", METRICS_PAGE.read_text("utf-8"), re.MULTILINE)
    found = re.findall(r"^# TYPE (belvedere_\w+) (\w+)$", api.get("/metrics").text, re.MULTILINE)
    assert dict(rows) == {name: kind for name, kind in found if not name.endswith("_created")}


def test_limits_in_texts_equal_those_in_the_code():
    assert f"more than {MAX_PIXELS // 10**6} million" in (
        PROBLEMS[ProblemType.IMAGE_TOO_LARGE].cause
    )
    assert f"fewer than {MIN_SIDE} pixels" in PROBLEMS[ProblemType.IMAGE_TOO_SMALL].cause
    assert f"more than {MOST_ADDRESS_BYTES // 1024} KiB" in (
        PROBLEMS[ProblemType.URL_TOO_LONG].cause
    )
    for problem in PROBLEMS.values():
        for variable in re.findall(r"`BELVEDERE_(\w+)`", problem.cause):
            assert variable.lower() in ServiceSettings.model_fields


def test_every_type_has_one_exception_that_is_exported():
    assert set(PROBLEM_ERRORS) == set(PROBLEMS) == set(ProblemType)
    for kind, exception in PROBLEM_ERRORS.items():
        assert exception.__name__.lower() == kind.rsplit(":", 1)[1].replace("-", "")
        assert getattr(belvedere, exception.__name__) is exception
    assert set(service.client.__all__) < set(belvedere.__all__)


@pytest.mark.parametrize("kind", ProblemType)
def test_clients_raise_the_exception_of_a_type(kind):
    status = PROBLEMS[kind].status
    body = {"type": kind, "title": title_of(kind), "status": status, "detail": "So it is."}
    response = httpx.Response(status, json=body, request=httpx.Request("GET", "http://x/readyz"))
    with pytest.raises(PROBLEM_ERRORS[kind], match=r"^So it is\.$") as caught:
        result_of(endpoints.ready(), response, httpx.URL("http://x"))
    assert type(caught.value) is PROBLEM_ERRORS[kind]
    assert caught.value.status == status
    assert isinstance(caught.value, ImageRejected) == kind.name.startswith("IMAGE_")


def test_an_unknown_type_raises_service_error():
    body = {"type": "urn:problem-type:belvedere:later", "title": "", "status": 418, "detail": "No."}
    response = httpx.Response(418, json=body)
    with pytest.raises(ServiceError, match="No") as caught:
        result_of(endpoints.ready(), response, httpx.URL("http://x"))
    assert type(caught.value) is ServiceError


@pytest.mark.parametrize(
    ("method", "path", "options", "kind"),
    [
        ("GET", "/predict", {}, ProblemType.MALFORMED_REQUEST),
        ("POST", "/predict", {}, ProblemType.MALFORMED_REQUEST),
        ("POST", "/predict", {"data": {"a": "b"}}, ProblemType.IMAGE_UNREADABLE),
        ("GET", "/predict?id=none", {}, ProblemType.UNKNOWN_IMAGE),
        ("GET", "/errors/none/heatmap", {}, ProblemType.UNKNOWN_IMAGE),
        ("GET", "/experiments/none", {}, ProblemType.UNKNOWN_EXPERIMENT),
        ("GET", "/nowhere", {}, ProblemType.UNKNOWN_PATH),
        ("DELETE", "/predict", {}, ProblemType.METHOD_NOT_ALLOWED),
        ("GET", "/images?limit=0", {}, ProblemType.INVALID_PARAMETER),
        ("GET", "/images?label=none", {}, ProblemType.INVALID_PARAMETER),
        ("GET", f"/images?id={'x' * MOST_ADDRESS_BYTES}", {}, ProblemType.URL_TOO_LONG),
        ("POST", "/predict", {"content": b"text"}, ProblemType.IMAGE_UNREADABLE),
        (
            "POST",
            "/predict",
            {"content": b"x", "headers": {"Content-Encoding": "gzip"}},
            ProblemType.ENCODED_BODY,
        ),
    ],
)
def test_error_responses_carry_their_type(api, method, path, options, kind):
    response = api.request(method, path, **options)
    problem = response.json()
    assert problem["type"] == kind
    assert problem["title"] == title_of(kind)
    assert problem["status"] == response.status_code == PROBLEMS[kind].status


def test_key_and_body_limit_have_their_types(serving, home, a_jpeg):
    settings = ServiceSettings(home=home, api_key="key", upload_limit=1000)
    with serving(settings) as client:
        assert client.get("/tsne").json()["type"] == ProblemType.KEY_REQUIRED
        headers = {"X-API-Key": "key"}
        answer = client.post("/predict", content=bytes(1001), headers=headers)
        assert answer.json()["type"] == ProblemType.BODY_TOO_LARGE
        with Client(str(client.base_url)) as caller, pytest.raises(service.client.KeyRequired):
            caller.predict(image=a_jpeg)


def test_without_a_release_a_service_is_not_ready(serving, tmp_path):
    with serving(ServiceSettings(home=tmp_path)) as client:
        assert client.get("/readyz").json()["type"] == ProblemType.NOT_READY
        with (
            Client(str(client.base_url), retries=0) as caller,
            pytest.raises(service.client.NotReady),
        ):
            caller.predict("any")


def test_an_unexpected_failure_carries_request_id_and_security_headers(tmp_path):
    def fail() -> int:
        raise ArithmeticError("a detail for the log alone")

    with served(ServiceSettings(home=tmp_path)) as (client, state):
        state.metrics.watch_queue("images", fail)
        response = client.get("/metrics", headers={"X-Request-ID": "mine"})
    assert response.status_code == 500
    assert response.json()["type"] == ProblemType.INTERNAL_ERROR
    assert "a detail" not in response.text
    assert response.headers["x-request-id"] == "mine"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in response.headers["content-security-policy"]


def test_a_response_without_a_problem_is_unexpected():
    request = httpx.Request("GET", "http://x/readyz")
    for status in (200, 404):
        response = httpx.Response(status, text="<h1>It works!</h1>", request=request)
        with pytest.raises(UnexpectedResponse, match="check the base URL") as caught:
            result_of(endpoints.ready(), response, httpx.URL("http://x"))
        assert caught.value.status == status
