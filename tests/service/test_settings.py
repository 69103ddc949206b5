import traceback
from pathlib import Path

import pytest
from pydantic import ValidationError

from embeddings.cpu import usable_processors
from embeddings.errors import SettingsError
from service.settings import ServiceSettings


def test_defaults_listen_on_loopback(monkeypatch):
    for name in ("HOME", "HOST", "PORT", "CONCURRENCY"):
        monkeypatch.delenv(f"BELVEDERE_{name}", raising=False)
    settings = ServiceSettings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.concurrency == usable_processors() + 1 >= 2


def test_settings_are_read_from_the_environment(monkeypatch):
    for name, value in {
        "HOME": "/somewhere",
        "HOST": "0.0.0.0",
        "PORT": "9000",
        "UPLOAD_LIMIT": "1000",
        "CONCURRENCY": "3",
        "QUEUE": "0",
    }.items():
        monkeypatch.setenv(f"BELVEDERE_{name}", value)
    settings = ServiceSettings()
    assert settings.releases_folder == Path("/somewhere/releases")
    assert (settings.host, settings.port) == ("0.0.0.0", 9000)
    assert (settings.upload_limit, settings.concurrency, settings.queue) == (1000, 3, 0)


@pytest.mark.parametrize(
    "settings",
    [
        {"port": 70_000},
        {"concurrency": 0},
        {"queue": -1},
        {"upload_limit": 0},
        {"api_key": "Schlüssel"},
        {"api_key": ""},
        {"api_key": "s3cret\n"},
        {"api_key": " s3cret"},
        {"upload_seconds": "inf"},
        {"poll": "nan"},
        {"index": "tree"},
    ],
)
def test_invalid_settings_are_rejected(settings):
    with pytest.raises(ValidationError):
        ServiceSettings(**settings)


@pytest.mark.parametrize("key", ["Schlüssel", "s3cret\n", "s3cret "])
def test_a_rejected_key_is_not_shown(monkeypatch, key):
    monkeypatch.setenv("BELVEDERE_API_KEY", key)
    monkeypatch.setenv("BELVEDERE_PORT", "many")
    with pytest.raises(SettingsError) as caught:
        ServiceSettings.from_environment()
    shown = "".join(traceback.format_exception(caught.value))
    assert "BELVEDERE_PORT: " in str(caught.value)
    assert "BELVEDERE_API_KEY: the key is sent in a header" in str(caught.value)
    assert key.strip() not in shown


@pytest.mark.parametrize(
    ("given", "origins"),
    [
        ("https://x.example", ("https://x.example",)),
        ("https://x.example/", ("https://x.example",)),
        ("HTTPS://X.Example:443", ("https://x.example",)),
        (
            "http://localhost:3000, https://x.example,",
            ("http://localhost:3000", "https://x.example"),
        ),
        ('["https://x.example", "http://[::1]:80/"]', ("https://x.example", "http://[::1]")),
        ("https://bücher.example", ("https://xn--bcher-kva.example",)),
        ("*", ("*",)),
    ],
)
def test_origins_are_normalised(monkeypatch, given, origins):
    monkeypatch.setenv("BELVEDERE_ORIGINS", given)
    assert ServiceSettings.from_environment().origins == origins


@pytest.mark.parametrize(
    "given",
    [
        "x.example",
        "https://x.example/page",
        "https://",
        "https://x:port",
        "null",
        '["https://x"',
        "[1]",
    ],
)
def test_invalid_origins_are_rejected(monkeypatch, given):
    monkeypatch.setenv("BELVEDERE_ORIGINS", given)
    with pytest.raises(SettingsError, match="BELVEDERE_ORIGINS: "):
        ServiceSettings.from_environment()
