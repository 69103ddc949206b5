"""Conformance of the running service to its OpenAPI description, by Schemathesis."""

import os
import subprocess
import sys

import pytest

from service.keys import Key, add_key, digest_of
from service.settings import ServiceSettings

KEY = "correct horse battery staple"

# The description does not guarantee that a valid request is accepted: the content of an image
# may be rejected. Many values of a filter make an address too long (414).
CHECKS = """
[checks]
positive_data_acceptance.enabled = false
negative_data_rejection.expected-statuses = [
  400, 401, 403, 404, 405, 406, 409, 414, 415, 422, 428, 429, "5xx"
]

[parameters]
min_revision = 1
"""
"""A revision that the service never reaches is refused with 503."""

KNOWN = """
id = "{id}"
name = "{name}"
"""


@pytest.fixture(scope="module")
def guarded(serving, home):
    with serving(ServiceSettings(home=home, api_key=KEY)) as client:
        yield client


@pytest.fixture
def writable(serving, copied_home):
    """Yield a client of a service that accepts changes with the same key."""
    settings = ServiceSettings(home=copied_home, writable=True)
    add_key(settings.keys_file, "another", "read")
    key = Key(name="Schemathesis", role="admin", sha256=digest_of(KEY))
    with settings.keys_file.open("a") as file:
        file.write(key.model_dump_json())
    with serving(settings) as client:
        yield client


@pytest.fixture
def run_schemathesis(tmp_path):
    """Return a function that runs Schemathesis on a service and fails if it finds an error."""

    def run(client, settings, *options):
        (tmp_path / "schemathesis.toml").write_text(settings)
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{client.base_url}/openapi.json"),
            *("--header", f"X-API-Key: {KEY}", "--generation-deterministic"),
            *("--continue-on-failure", "--suppress-health-check", "all"),
            # Hypothesis parses source code, which fails in several threads of Python 3.11.
            *("--workers", "1"),
        ]
        done = subprocess.run(
            [*command, *options],
            cwd=tmp_path,
            env=os.environ | {"NO_PROXY": "127.0.0.1", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert client.get("/readyz").status_code == 200

    return run


def test_every_call_conforms_to_the_description(run_schemathesis, writable):
    run_schemathesis(
        writable, CHECKS, "--phases", "examples,coverage,fuzzing", "--max-examples", "4"
    )


def test_calls_with_stored_ids_conform_to_the_description(run_schemathesis, guarded, records):
    best = guarded.get("/experiments").json()["best"]
    known = KNOWN.format(id=records[0]["id"], name=best)
    run_schemathesis(
        guarded,
        CHECKS + known,
        *("--phases", "coverage", "--include-path-regex", "id|name|features"),
        *("--exclude-path-regex", "^/jobs/"),
    )
