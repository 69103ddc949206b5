from pathlib import Path

import pytest
from pydantic import ValidationError

from embeddings.home import explain_setting
from embeddings.processors import usable_processors
from service.settings import ServiceSettings


def test_defaults_listen_on_this_machine_alone(monkeypatch):
    for name in ("HOME", "HOST", "PORT", "CONCURRENCY"):
        monkeypatch.delenv(f"BELVEDERE_{name}", raising=False)
    settings = ServiceSettings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.concurrency == usable_processors() + 1 >= 2


def test_variables_set_everything(monkeypatch):
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
    assert settings.releases == Path("/somewhere/releases")
    assert (settings.host, settings.port) == ("0.0.0.0", 9000)
    assert (settings.upload_limit, settings.concurrency, settings.queue) == (1000, 3, 0)


@pytest.mark.parametrize(
    "asked",
    [
        {"port": 70_000},
        {"concurrency": 0},
        {"queue": -1},
        {"upload_limit": 0},
        {"api_key": "Schlüssel"},
        {"api_key": ""},
        {"index": "tree"},
    ],
)
def test_nonsense_is_refused(asked):
    with pytest.raises(ValidationError):
        ServiceSettings(**asked)


def test_a_key_that_is_refused_is_not_shown(monkeypatch):
    monkeypatch.setenv("BELVEDERE_API_KEY", "Schlüssel")
    with pytest.raises(ValidationError) as caught:
        ServiceSettings()
    sentence = explain_setting(caught.value)
    assert sentence.startswith("BELVEDERE_API_KEY: the key is sent in a header")
    assert "Schlüssel" not in sentence
