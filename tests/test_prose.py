"""The checker of prose reports each forbidden word with its line, and no code."""

import subprocess
import sys
from pathlib import Path

import pytest

CHECKER = Path(__file__).parent.parent / "scripts" / "check-prose"


def _check(path: Path) -> tuple[int, list[str]]:
    command = [sys.executable, str(CHECKER), str(path)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.stderr == ""
    return checked.returncode, checked.stdout.splitlines()


@pytest.mark.parametrize(
    "sentence",
    [
        "It stores each photograph.",
        "What is done already is skipped.",
        "It ends. Whoever sends more is rejected.",
        "Set the variable, else the default is used.",
        "It returns None where there is none.",
    ],
)
def test_forbidden_words_are_reported_with_their_line(tmp_path: Path, sentence: str) -> None:
    document = tmp_path / "document.md"
    document.write_text(f"# Title\n\n{sentence}\n", "utf-8")
    status, hits = _check(document)
    assert status == 1
    assert all(hit.startswith(f"{document}:3: ") for hit in hits)


def test_code_names_and_questions_are_allowed(tmp_path: Path) -> None:
    document = tmp_path / "document.md"
    document.write_text(
        "The photographer of `photograph.jpg` is shown. Where is it stored? In `store`.\n"
        "The photographs have licences of their own.\n```\nWhat is a photograph\n```\n",
        "utf-8",
    )
    assert _check(document) == (0, [])


def test_of_python_files_docstrings_and_comments_are_checked(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text('"""Module."""\n\nphotograph = "a photograph"  # a photograph\n', "utf-8")
    status, hits = _check(module)
    assert status == 1
    assert [hit.split(": ")[0] for hit in hits] == [f"{module}:3"]
