"""What the description promises, tried by Schemathesis on the running service."""

import os
import subprocess
import sys

import pytest

from service.settings import ServiceSettings

KEY = "correct horse battery staple"

# That a valid request is accepted is no promise: an image is refused for what is in it.
CHECKS = """
[checks]
positive_data_acceptance.enabled = false
"""

KNOWN = """
[parameters]
id = "{id}"
name = "{name}"
"""


@pytest.fixture(scope="module")
def guarded(serving, home):
    with serving(ServiceSettings(home=home, api_key=KEY)) as client:
        yield client


@pytest.fixture
def try_out(guarded, tmp_path):
    """Runs Schemathesis on the guarded service and wants nothing to be found."""

    def run(settings, *options):
        (tmp_path / "schemathesis.toml").write_text(settings)
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{guarded.base_url}/openapi.json"),
            *("--header", f"X-API-Key: {KEY}", "--generation-deterministic"),
            *("--continue-on-failure", "--suppress-health-check", "all", "--workers", "2"),
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


def test_every_call_keeps_what_the_description_promises(try_out):
    try_out(CHECKS, "--phases", "examples,coverage,fuzzing", "--max-examples", "4")


def test_calls_about_what_is_stored_keep_it_too(try_out, guarded, records):
    best = guarded.get("/experiments").json()["best"]
    known = KNOWN.format(id=records[0]["id"], name=best)
    try_out(CHECKS + known, "--phases", "coverage", "--include-path-regex", "id|name|features")
