import json
from urllib.parse import quote

import pytest

from embeddings.release.reader import current_release, open_release
from service.api.openapi import OF_SCENES
from service.api_documents import OPENAPI_FILE, openapi_file
from service.settings import ServiceSettings

DESCRIBED = json.loads(OPENAPI_FILE.read_text("utf-8"))


@pytest.fixture(scope="module")
def description(api):
    return api.get("/openapi.json").json()


@pytest.fixture(scope="module")
def operations(description):
    return {
        (method, path): operation
        for path, calls in description["paths"].items()
        for method, operation in calls.items()
    }


def test_the_committed_description_is_what_the_service_serves():
    assert OPENAPI_FILE.read_text("utf-8") == openapi_file(), "run `make api`"


def test_every_call_is_described(operations):
    assert set(operations) == {
        ("get", "/predict"),
        ("post", "/predict"),
        ("get", "/neighbors"),
        ("post", "/neighbors"),
        ("post", "/search"),
        ("get", "/tsne"),
        ("post", "/tsne"),
        ("get", "/images"),
        ("post", "/images"),
        ("patch", "/images"),
        ("delete", "/images"),
        ("post", "/restore"),
        ("post", "/publish"),
        ("get", "/images/random"),
        ("get", "/facets"),
        ("get", "/ids"),
        ("get", "/selections"),
        ("get", "/selections/{name}"),
        ("put", "/selections/{name}"),
        ("delete", "/selections/{name}"),
        ("get", "/images/{id}"),
        ("put", "/images/{id}"),
        ("get", "/jobs"),
        ("get", "/jobs/{id}"),
        ("delete", "/jobs/{id}"),
        ("get", "/images/{id}/thumbnail"),
        ("get", "/features"),
        ("get", "/export"),
        ("post", "/export"),
        ("get", "/versions"),
        ("get", "/versions/diff"),
        ("get", "/changes"),
        ("post", "/changes"),
        ("post", "/undo"),
        ("post", "/distinct"),
        ("get", "/history"),
        ("get", "/experiments"),
        ("get", "/experiments/{name}"),
        ("get", "/errors"),
        ("get", "/errors/{id}/heatmap"),
        ("get", "/labels/issues"),
        ("get", "/labels/loop"),
        ("get", "/neighbors/stages"),
        ("get", "/robustness"),
        ("get", "/queue"),
        ("get", "/duplicates"),
        ("get", "/calibration"),
        ("get", "/livez"),
        ("get", "/readyz"),
        ("get", "/metrics"),
    }


def test_calls_and_parameters_have_descriptions(operations):
    for operation in operations.values():
        assert operation["description"].endswith(".")
        for parameter in operation.get("parameters", []):
            assert parameter["description"], parameter


def test_summaries_are_not_function_names(operations):
    summaries = [operation["summary"] for operation in operations.values()]
    assert len(set(summaries)) == len(summaries)
    for operation in operations.values():
        assert operation["summary"] != operation["operationId"].replace("_", " ").title()


def test_every_call_has_a_described_tag(description, operations):
    described = {tag["name"] for tag in description["tags"] if tag["description"]}
    assert {tag for operation in operations.values() for tag in operation["tags"]} == described


UNKNOWN = ("/jobs/{id}", "/selections/{name}")
"""Calls that need an id or name that no home of the tests has."""


def is_read_only(method, path):
    """Return True for a call that changes nothing and that needs no id of a job."""
    return "403" not in DESCRIBED["paths"][path][method]["responses"] and path not in UNKNOWN


def example_body(operation, jpeg):
    kinds = operation.get("requestBody", {}).get("content", {})
    if "application/json" in kinds:
        return {"json": kinds["application/json"]["example"]}
    return {"content": jpeg} if kinds else {}


@pytest.mark.parametrize("service", ["api", "odd"])
@pytest.mark.parametrize("filtered", [False, True])
def test_examples_work(request, service, filtered, a_jpeg):
    client = request.getfixturevalue(service)
    for path, calls in client.get("/openapi.json").json()["paths"].items():
        for method, operation in calls.items():
            if not is_read_only(method, path):
                continue
            address, query = path, {}
            for parameter in operation.get("parameters", []):
                if "example" not in parameter:
                    # A filter; no value of it is known to match all others.
                    continue
                name, value = parameter["name"], parameter["example"]
                if parameter["in"] == "path":
                    address = address.replace(f"{{{name}}}", quote(value))
                elif parameter["required"] or filtered:
                    query[name] = value
            answer = client.request(
                method, address, params=query, **example_body(operation, a_jpeg)
            )
            assert answer.status_code == 200, (answer.url, answer.text)
            kind = answer.headers["content-type"].partition(";")[0]
            assert kind in operation["responses"]["200"]["content"]


def test_without_a_release_examples_are_of_generated_scenes(serving, tmp_path):
    with serving(ServiceSettings(home=tmp_path)) as client:
        assert client.get("/readyz").status_code == 503
        assert client.get("/docs").status_code == 200
        described = client.get("/openapi.json").json()
    assert described == json.loads(OPENAPI_FILE.read_text("utf-8"))
    parameters = described["paths"]["/predict"]["get"]["parameters"]
    examples = {each["name"]: each["example"] for each in parameters}
    assert examples == {"id": "lake/lake_0000", "min_revision": 0}


def test_the_example_without_a_release_is_a_generated_scene(home):
    release = open_release(current_release(home / "releases"))
    assert OF_SCENES.id in release.rows
    assert OF_SCENES.experiment in {each.name for each in release.comparison.experiments}


def test_fields_are_described(description):
    schemas = description["components"]["schemas"]
    for name, schema in schemas.items():
        assert schema["description"], name
        for field, value in schema["properties"].items():
            referred = schemas[value["$ref"].rsplit("/", 1)[1]] if "$ref" in value else {}
            assert value.get("description") or referred.get("description"), (name, field)


def test_errors_are_described_as_problems(operations):
    for (_, path), operation in operations.items():
        errors = {status: each for status, each in operation["responses"].items() if status > "4"}
        for each in errors.values():
            assert list(each["content"]) == ["application/problem+json"]
        if path not in ("/livez", "/metrics"):
            assert "503" in errors
        if "requestBody" in operation:
            assert {"400", "413", "422", "429"} <= set(errors)
        if "image/jpeg" in operation.get("requestBody", {}).get("content", ()):
            assert "415" in errors


def test_uploads_are_described_as_form_and_as_body(operations):
    for operation in operations.values():
        kinds = operation.get("requestBody", {}).get("content", {})
        if "image/jpeg" in kinds:
            assert {"multipart/form-data", "image/jpeg", "image/png", "image/webp"} == set(kinds)
            assert kinds["multipart/form-data"]["schema"]["required"] == ["file"]
