"""Conformance of the running service to its OpenAPI description, by Schemathesis."""

import os
import subprocess
import sys

import pytest

from service.settings import ServiceSettings

KEY = "correct horse battery staple"

# The description does not guarantee that a valid request is accepted: the content of an image
# may be rejected.
CHECKS = """
[checks]
positive_data_acceptance.enabled = false

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
def run_schemathesis(guarded, tmp_path):
    """Return a function that runs Schemathesis on the service and fails if it finds an error."""

    def run(settings, *options):
        (tmp_path / "schemathesis.toml").write_text(settings)
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{guarded.base_url}/openapi.json"),
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
        assert guarded.get("/readyz").status_code == 200

    return run


def test_every_call_conforms_to_the_description(run_schemathesis):
    run_schemathesis(CHECKS, "--phases", "examples,coverage,fuzzing", "--max-examples", "4")


def test_calls_with_stored_ids_conform_to_the_description(run_schemathesis, guarded, records):
    best = guarded.get("/experiments").json()["best"]
    known = KNOWN.format(id=records[0]["id"], name=best)
    run_schemathesis(
        CHECKS + known,
        *("--phases", "coverage", "--include-path-regex", "id|name|features"),
        *("--exclude-path-regex", "^/jobs/"),
    )
