"""Manifests of Kubernetes, checked without a cluster."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest
import yaml

from embeddings.settings import IndexSettings
from service.settings import ServiceSettings
from tests.test_deployment import ROOT
from training.settings import TrainingSettings

FOLDER = ROOT / "deploy" / "kubernetes"
SETTINGS = FOLDER / "settings"
# Kustomize and the Gateway API are no part of the schemas of Kubernetes.
OUTSIDE = {"Kustomization", "Component", "HTTPRoute"}
PREFIX = "BELVEDERE_"


def _documents() -> Iterator[Any]:
    for path in sorted(FOLDER.rglob("*.yaml")):
        for number, document in enumerate(yaml.safe_load_all(path.read_text("utf-8"))):
            yield pytest.param(document, id=f"{path.relative_to(FOLDER)}-{number}")


def _found(kind: str) -> list[dict[str, Any]]:
    return [each.values[0] for each in _documents() if each.values[0]["kind"] == kind]


def _pods() -> dict[str, dict[str, Any]]:
    return {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]
        for kind in ("Deployment", "Job")
        for each in _found(kind)
    }


@pytest.mark.parametrize("document", list(_documents()))
def test_manifests_conform_to_the_schemas_of_kubernetes(document: dict[str, Any]) -> None:
    if document["kind"] not in OUTSIDE:
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_every_manifest_belongs_to_a_kustomization() -> None:
    for folder in ("service", "training"):
        named = yaml.safe_load((FOLDER / folder / "kustomization.yaml").read_text("utf-8"))
        present = {each.name for each in (FOLDER / folder).iterdir()}
        assert {*named["resources"], "kustomization.yaml"} == present


def test_variables_of_the_manifests_are_settings() -> None:
    known = {
        *ServiceSettings.model_fields,
        *TrainingSettings.model_fields,
        *IndexSettings.model_fields,
    }
    texts = [path.read_text("utf-8") for path in FOLDER.rglob("*.*") if path.is_file()]
    named = {name for text in texts for name in re.findall(rf"{PREFIX}([A-Z_]+)", text)}
    assert {"STORE", "RELEASES", "WRITABLE", "DATA"} <= named
    assert {name.lower() for name in named} <= known


def test_templates_of_secrets_have_no_values() -> None:
    secrets = _found("Secret")
    assert len(secrets) == 3
    assert not any(value for each in secrets for value in each["stringData"].values())


def test_secrets_and_settings_of_the_pods_exist() -> None:
    secrets = {each["metadata"]["name"] for each in _found("Secret")}
    for name, pod in _pods().items():
        sources = [each for c in pod["containers"] for each in c["envFrom"]]
        used = {each["secretRef"]["name"] for each in sources if "secretRef" in each}
        volumes = [each["secret"]["secretName"] for each in pod["volumes"] if "secret" in each]
        assert used | set(volumes) <= secrets, name
        (settings,) = (each["configMapRef"]["name"] for each in sources if "configMapRef" in each)
        component = yaml.safe_load((SETTINGS / "kustomization.yaml").read_text("utf-8"))
        assert settings == component["configMapGenerator"][0]["name"]


def test_services_and_selectors_name_existing_pods() -> None:
    labels = {
        each["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"]
        for each in _found("Deployment")
    }
    chosen = {
        each["metadata"]["name"]: each["spec"]["selector"]["app.kubernetes.io/name"]
        for each in _found("Service")
    }
    assert set(chosen.values()) == labels
    (route,) = _found("HTTPRoute")
    backends = {ref["name"] for rule in route["spec"]["rules"] for ref in rule["backendRefs"]}
    assert backends == set(chosen)


def test_probes_use_paths_and_the_port_of_the_service() -> None:
    paths = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))["paths"]
    port = re.search(r"^EXPOSE (\d+)$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert port is not None
    for name in ("belvedere", "belvedere-writer"):
        (container,) = _pods()[name]["containers"]
        assert container["ports"] == [{"name": "http", "containerPort": int(port[1])}]
        probes = {each: container[f"{each}Probe"]["httpGet"] for each in ("liveness", "readiness")}
        assert [probe["path"] for probe in probes.values()] == ["/livez", "/readyz"]
        assert {probe["port"] for probe in probes.values()} == {"http"}
        assert {probe["path"] for probe in probes.values()} <= set(paths)


def test_pods_have_minimal_rights() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    for name, pod in _pods().items():
        assert pod["automountServiceAccountToken"] is False, name
        rights = pod["securityContext"]
        assert rights["runAsNonRoot"], name
        assert f"--uid {rights['runAsUser']} " in dockerfile, name
        assert rights["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"]["memory"], name
        # Files are written to mounted volumes alone, each with a limit of its size.
        for volume in pod["volumes"]:
            assert volume.get("emptyDir", {"sizeLimit": 1})["sizeLimit"], name


def test_one_pod_writes() -> None:
    writers = [
        name
        for name, pod in _pods().items()
        if {"name": "BELVEDERE_WRITABLE", "value": "1"} in pod["containers"][0].get("env", [])
    ]
    assert writers == ["belvedere-writer"]
    (writer,) = (
        each["spec"] for each in _found("Deployment") if each["metadata"]["name"] in writers
    )
    assert writer["replicas"] == 1
    assert writer["strategy"] == {"type": "Recreate"}
    scaled = [each["spec"]["scaleTargetRef"]["name"] for each in _found("HorizontalPodAutoscaler")]
    assert scaled == ["belvedere"]


def test_the_route_sends_to_the_writer_what_the_proxy_sends() -> None:
    proxy = (ROOT / "proxy" / "haproxy.cfg").read_text("utf-8")
    methods = re.search(r"acl changes method (.+)", proxy)
    paths = re.search(r"acl changed path (.+)", proxy)
    assert methods is not None
    assert paths is not None
    (route,) = _found("HTTPRoute")
    *writing, reading = route["spec"]["rules"]
    matched = {
        (each.get("method"), each.get("path", {}).get("type"), each.get("path", {}).get("value"))
        for rule in writing
        for each in rule["matches"]
    }
    assert matched == {
        *((method, None, None) for method in methods[1].split()),
        *(("POST", "Exact", path) for path in paths[1].split()),
        (None, "PathPrefix", "/jobs"),
    }
    assert {rule["backendRefs"][0]["name"] for rule in writing} == {"belvedere-writer"}
    assert max(len(rule["matches"]) for rule in writing) <= 8
    assert reading == {"backendRefs": [{"name": "belvedere", "port": 80}]}


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")
@pytest.mark.parametrize("folder", ["service", "training"])
def test_kustomize_builds_the_manifests(folder: str) -> None:
    built = subprocess.run(
        ["kubectl", "kustomize", str(FOLDER / folder)], capture_output=True, text=True, check=True
    )
    documents = list(yaml.safe_load_all(built.stdout))
    settings = [each["metadata"]["name"] for each in documents if each["kind"] == "ConfigMap"]
    assert len(settings) == 1
    for document in documents:
        assert document["kind"] == "Namespace" or document["metadata"]["namespace"] == "belvedere"
        if document["kind"] in {"Deployment", "Job"}:
            (container,) = document["spec"]["template"]["spec"]["containers"]
            assert container["envFrom"][0]["configMapRef"]["name"] == settings[0]
            assert container["image"].startswith("registry.example/")


def test_images_have_the_version_of_the_project() -> None:
    component = yaml.safe_load((SETTINGS / "kustomization.yaml").read_text("utf-8"))
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    assert {each["newTag"] for each in component["images"]} == {version[1]}
    used = {pod["containers"][0]["image"] for pod in _pods().values()}
    assert used == {each["name"] for each in component["images"]}
