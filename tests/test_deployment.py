"""Declarations of the Docker images and the stack, checked without an engine."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from embeddings.settings import PathSettings
from service.settings import ServiceSettings
from training.settings import TrainingSettings

ROOT = Path(__file__).parent.parent

# The stack fixes the addresses and volumes of containers.
OUTSIDE = {"host", "port", "home", "store", "releases"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))[
        "services"
    ]
    return found


@pytest.mark.parametrize(
    ("service", "settings"),
    [("trainer", TrainingSettings), ("service", ServiceSettings), ("writer", ServiceSettings)],
)
def test_every_setting_reaches_its_container(
    services: dict[str, Any], service: str, settings: type[PathSettings]
) -> None:
    variables = [name for name in services[service]["environment"] if name != "HOME"]
    given = {name.removeprefix("BELVEDERE_").lower() for name in variables}
    assert given == set(settings.model_fields) - OUTSIDE


def test_images_name_the_version_of_the_project() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    versions = [line for line in lines if line.startswith("ARG VERSION")]
    assert versions == [f"ARG VERSION={version}"] * 3


def test_services_of_the_stack_have_minimal_rights(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert {"mem_limit", "cpus"} <= set(service), name
        assert name == "report" or not {"user", "cap_add"} & set(service), name
        published = [port for port in service.get("ports", ()) if "127.0.0.1" not in port]
        assert not published, name


def test_only_the_writer_can_write_the_volume(services: dict[str, Any]) -> None:
    mounted = {name: service.get("volumes", []) for name, service in services.items()}
    assert {name for name, volumes in mounted.items() if "home:/var/lib/belvedere" in volumes} == {
        "trainer",
        "writer",
    }
    assert services["writer"]["profiles"] == ["writable"]
    assert services["writer"]["environment"]["BELVEDERE_WRITABLE"] == "1"
    assert services["service"]["environment"]["BELVEDERE_WRITABLE"] == ""


def test_grafana_has_its_dashboard_and_data_source(services: dict[str, Any]) -> None:
    """Grafana itself does not run, because its image is not available everywhere."""
    folder = ROOT / "monitoring"
    source = yaml.safe_load((folder / "grafana" / "datasource.yml").read_text("utf-8"))[
        "datasources"
    ][0]
    host, port = source["url"].removeprefix("http://").split(":")
    assert services[host]["ports"][0].endswith(f":{port}")
    provider = yaml.safe_load((folder / "grafana" / "provider.yml").read_text("utf-8"))[
        "providers"
    ][0]
    mounted = [volume.split(":")[:2] for volume in services["grafana"]["volumes"]]
    assert [
        "./monitoring/dashboard.json",
        f"{provider['options']['path']}/dashboard.json",
    ] in mounted


def test_the_dashboard_conforms_to_the_schema_of_grafana() -> None:
    """Grafana's classes, generated from its schema, parse every field of the dashboard."""
    register_default_plugins()
    given = json.loads((ROOT / "monitoring" / "dashboard.json").read_text("utf-8"))
    understood = json.loads(JSONEncoder().encode(Dashboard.from_json(given)))
    assert set(_fields(given)) <= set(_fields(understood))


def _fields(value: Any, place: str = "") -> list[str]:
    """Return the path of every field in a JSON value."""
    if isinstance(value, dict):
        below = [_fields(each, f"{place}.{name}") for name, each in value.items()]
        return [f"{place}.{name}" for name in value] + [path for each in below for path in each]
    if isinstance(value, list):
        return [path for each in value for path in _fields(each, f"{place}[]")]
    return []


def test_commands_use_no_path_outside_of_the_project() -> None:
    for name in (".ci/run", "Makefile", "scripts/docker-engine"):
        assert "../" not in (ROOT / name).read_text(encoding="utf-8"), name
