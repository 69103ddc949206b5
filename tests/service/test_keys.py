import stat

import pytest

from service import keys
from service.keys import KeyRing, KeysError, add_key, digest_of, grants, read_keys, remove_key


@pytest.fixture
def path(tmp_path):
    return tmp_path / "keys.jsonl"


@pytest.fixture(autouse=True)
def _always_reload(monkeypatch):
    monkeypatch.setattr(keys, "_RELOAD_SECONDS", 0.0)


def test_the_file_holds_hashes_that_only_its_owner_can_read(path):
    secret = add_key(path, "Ann", "write")
    assert secret not in path.read_text()
    assert digest_of(secret) in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [(each.name, each.role) for each in read_keys(path)] == [("Ann", "write")]


def test_a_name_is_given_once_and_can_be_removed(path):
    first = add_key(path, "Ann", "write")
    with pytest.raises(KeysError, match="already"):
        add_key(path, "Ann", "read")
    remove_key(path, "Ann")
    with pytest.raises(KeysError, match="no key"):
        remove_key(path, "Ann")
    assert add_key(path, "Ann", "read") != first


@pytest.mark.parametrize("name", ["", " a", "a\n", "x" * 101])
def test_unusable_names_are_refused(path, name):
    with pytest.raises(KeysError, match="cannot be the name"):
        add_key(path, name, "read")
    assert not path.exists()


def test_roles_have_the_rights_of_lesser_ones():
    assert grants("admin", "write")
    assert grants("write", "write")
    assert not grants("label", "write")


def name_of(ring: KeyRing, secret: str) -> str | None:
    found = ring.find(secret)
    return found.name if found else None


def test_a_changed_file_is_read_again(path):
    ring = KeyRing(path)
    assert ring.keys == ()
    secret = add_key(path, "Ann", "write")
    assert name_of(ring, secret) == "Ann"
    add_key(path, "Bob", "read")
    remove_key(path, "Ann")
    assert ring.find(secret) is None


@pytest.mark.parametrize("broken", ['{"name": "Ann"}\n', "\xff", None])
def test_a_broken_file_keeps_the_last_keys(path, broken):
    secret = add_key(path, "Ann", "write")
    ring = KeyRing(path)
    if broken is None:
        path.unlink()
    else:
        path.write_bytes(broken.encode("latin-1"))
    assert name_of(ring, secret) == "Ann"
    assert ring.trouble is not None
    assert "BELVEDERE_KEYS" in ring.trouble
    path.unlink(missing_ok=True)
    other = add_key(path, "Bob", "label")
    assert name_of(ring, other) == "Bob"
    assert ring.find(secret) is None
    assert ring.trouble is None


def test_a_file_that_is_broken_at_first_is_refused_without_its_content(path):
    path.write_text('{"name": "Ann", "role": "write", "sha256": "s3cret"}\n')
    with pytest.raises(KeysError, match="line 1") as refused:
        KeyRing(path)
    assert "s3cret" not in str(refused.value)
