"""Commands in an image that lacks the package training or service."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

COMMAND = """
import sys

class Missing:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == sys.argv[1]:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing)
from belvedere.cli import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize(
    ("missing", "arguments"),
    [
        ("training", ["add", "x"]),
        ("training", ["add", "--to", "http://localhost:1", "x"]),
        ("training", ["train", "--help"]),
        ("service", ["serve"]),
        ("service", ["add", "--to", "http://localhost:1", "x"]),
    ],
)
def test_a_missing_package_is_named_in_one_sentence(
    tmp_path: Path, missing: str, arguments: list[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, missing, *arguments],
        cwd=ROOT,
        env={"BELVEDERE_HOME": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 1
    assert f"needs the package `{missing}`" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
