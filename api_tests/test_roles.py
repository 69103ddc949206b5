"""Callers of writing services: roles, read-only services, one writer, pages of other origins."""

import pytest

from api_tests.conftest import served
from api_tests.pictures import jpeg_of
from embeddings.errors import SettingsError
from embeddings.lock import Locked
from embeddings.store.store import Store
from service import keys
from service.app import create_app
from service.keys import add_key, remove_key
from service.problems import ProblemType
from service.settings import ServiceSettings

NEEDED = {
    ("PUT", "/images/lake/x"): "write",
    ("POST", "/images"): "write",
    ("PATCH", "/images?id=lake/x"): "label",
    ("POST", "/changes"): "label",
    ("POST", "/undo"): "label",
    ("POST", "/distinct"): "label",
    ("DELETE", "/images?id=lake/x"): "write",
    ("POST", "/restore"): "write",
    ("DELETE", "/jobs/20200101-000000-00000000"): "write",
    ("PUT", "/selections/mine"): "label",
    ("DELETE", "/selections/mine"): "label",
    ("POST", "/publish"): "admin",
}


@pytest.fixture(scope="module")
def secrets(writable_home):
    path = ServiceSettings(home=writable_home).keys_file
    return {role: add_key(path, f"the {role}", role) for role in keys.ROLES}


@pytest.fixture(scope="module")
def guarded(serving, writable_home, secrets):
    with serving(ServiceSettings(home=writable_home, writable=True)) as client:
        yield client


def sent(client, method, path, **headers):
    return client.request(method, path, json={"ids": ["lake/x"]}, headers=headers)


@pytest.mark.parametrize(("call", "role"), NEEDED.items())
def test_a_call_needs_a_key_of_its_role(guarded, secrets, sentence, call, role):
    for headers in ({}, {"X-API-Key": "wrong"}):
        refused = sent(guarded, *call, **headers)
        sentence(refused, 401)
        assert refused.json()["type"] == ProblemType.KEY_REQUIRED
    for each in keys.ROLES:
        answer = sent(guarded, *call, **{"X-API-Key": secrets[each]})
        if keys.grants(each, role):
            assert answer.status_code not in (401, 403)
        else:
            assert f"role `{role}`" in sentence(answer, 403)
            assert answer.json()["type"] == ProblemType.ROLE_REQUIRED
            assert secrets[each] not in answer.text


def test_the_journal_has_the_name_of_the_key(guarded, secrets, writable_home):
    for role, label in (("write", "lake"), ("label", "ocean")):
        headers = {"X-API-Key": secrets[role]}
        if role == "write":
            content = jpeg_of(1)
            guarded.put("/images/lake/x", content=content, params={"label": label}, headers=headers)
        else:
            call = {"params": {"id": "lake/x"}, "json": {"label": label}}
            assert guarded.patch("/images", headers=headers, **call).status_code == 200
    (*_, last) = Store(str(writable_home / "store")).labels.of("lake/x")
    assert (last.decision.by, last.decision.after) == ("the label", "ocean")


def test_costly_reads_accept_keys_of_all_roles(guarded, secrets, sentence):
    sentence(guarded.get("/tsne"), 401)
    for secret in secrets.values():
        assert guarded.get("/tsne", headers={"X-API-Key": secret}).status_code == 200


def test_a_removed_key_is_refused_without_a_restart(serving, home, tmp_path, monkeypatch, sentence):
    monkeypatch.setattr(keys, "_RELOAD_SECONDS", 0.0)
    path = tmp_path / "keys.jsonl"
    secret = add_key(path, "Ann", "read")
    with serving(ServiceSettings(home=home, keys=path)) as client:
        assert client.get("/tsne", headers={"X-API-Key": secret}).status_code == 200
        add_key(path, "Bob", "read")
        remove_key(path, "Ann")
        sentence(client.get("/tsne", headers={"X-API-Key": secret}), 401)
        assert client.get("/readyz").json()["keys"] is None
        path.write_text("broken")
        sentence(client.get("/tsne", headers={"X-API-Key": secret}), 401)
        assert "line 1" in client.get("/readyz").json()["keys"]


@pytest.mark.parametrize("call", NEEDED)
def test_a_service_is_read_only_by_default(api_of_home, sentence, call):
    refused = sent(api_of_home, *call)
    assert "BELVEDERE_WRITABLE" in sentence(refused, 403)
    assert refused.json()["type"] == ProblemType.READ_ONLY


@pytest.fixture(scope="module")
def api_of_home(serving, home):
    with serving(ServiceSettings(home=home)) as client:
        yield client


def test_a_public_address_needs_a_key_that_may_write(home, tmp_path):
    settings = ServiceSettings(
        home=home, host="0.0.0.0", writable=True, api_key="read", keys=tmp_path / "keys.jsonl"
    )
    add_key(settings.keys_file, "Ann", "label")
    with pytest.raises(SettingsError, match="belvedere key NAME --role write"):
        create_app(settings)


def test_a_store_has_one_writer(copied_home):
    settings = ServiceSettings(home=copied_home, writable=True)
    with served(settings), pytest.raises(Locked, match="belvedere serve"):
        create_app(settings)
    with served(settings) as (client, _):
        assert client.get("/readyz").json()["writable"] is True


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://elsewhere.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Host": "rebound.example"},
    ],
)
def test_pages_of_other_origins_cannot_write_without_a_key(copied_home, sentence, headers):
    with served(ServiceSettings(home=copied_home, writable=True)) as (client, _):
        content = jpeg_of(2)
        refused = client.put("/images/lake/y", content=content, headers=headers)
        sentence(refused, 401)
        own = {"Origin": str(client.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
        assert client.put("/images/lake/y", content=content, headers=own).status_code == 201
