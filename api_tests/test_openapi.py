import pytest


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


def test_every_call_of_the_design_is_there(operations):
    assert set(operations) == {
        ("get", "/predict"),
        ("post", "/predict"),
        ("get", "/neighbors"),
        ("post", "/neighbors"),
        ("get", "/tsne"),
        ("post", "/tsne"),
        ("get", "/images"),
        ("get", "/images/random"),
        ("get", "/images/{id}"),
        ("get", "/images/{id}/thumbnail"),
        ("get", "/features"),
        ("get", "/experiments"),
        ("get", "/experiments/{name}"),
        ("get", "/errors"),
        ("get", "/errors/{id}/heatmap"),
        ("get", "/labels/issues"),
        ("get", "/calibration"),
        ("get", "/livez"),
        ("get", "/readyz"),
        ("get", "/metrics"),
    }


def test_calls_and_parameters_are_described(operations):
    for operation in operations.values():
        assert operation["description"]
        for parameter in operation.get("parameters", []):
            assert parameter["description"], parameter


def test_fields_are_described(description):
    schemas = description["components"]["schemas"]
    for name, schema in schemas.items():
        assert schema["description"], name
        for field, value in schema["properties"].items():
            referred = schemas[value["$ref"].rsplit("/", 1)[1]] if "$ref" in value else {}
            assert value.get("description") or referred.get("description"), (name, field)


def test_errors_are_listed_as_problems(operations):
    for (method, path), operation in operations.items():
        errors = {status: each for status, each in operation["responses"].items() if status > "4"}
        for each in errors.values():
            assert list(each["content"]) == ["application/problem+json"]
        if path not in ("/livez", "/metrics"):
            assert "503" in errors
        if method == "post":
            assert {"400", "413", "415", "422", "429"} <= set(errors)


def test_uploads_are_described_as_form_and_as_body(operations):
    for (method, _), operation in operations.items():
        if method == "post":
            kinds = operation["requestBody"]["content"]
            assert {"multipart/form-data", "image/jpeg", "image/png", "image/webp"} == set(kinds)
            assert kinds["multipart/form-data"]["schema"]["required"] == ["file"]


def test_the_front_door_leads_to_the_documentation(api):
    assert api.get("/", follow_redirects=True).url.path == "/docs"
