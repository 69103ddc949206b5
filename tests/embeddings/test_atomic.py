"""Atomic writes: complete or without effect, even if the process is killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from embeddings.atomic import atomic_file, atomic_folder, atomic_write, clear_drafts


def test_a_file_is_replaced_atomically_and_text_is_utf8(tmp_path: Path) -> None:
    target = tmp_path / "new" / "names.txt"
    atomic_write(target, "Wälder")
    atomic_write(target, "Straßen")
    assert target.read_bytes() == "Straßen".encode()
    assert list(target.parent.iterdir()) == [target]


def test_an_error_keeps_the_previous_content(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    atomic_write(target, "old")

    def interrupted() -> None:
        with atomic_file(target) as draft:
            draft.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert target.read_text("utf-8") == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_replaces_another(tmp_path: Path) -> None:
    target = tmp_path / "run"
    for content in ("old", "new"):
        with atomic_folder(target) as draft:
            (draft / "report.json").write_text(content)
    assert (target / "report.json").read_text("utf-8") == "new"
    assert list(tmp_path.iterdir()) == [target]


_KILLED_BETWEEN_TWO_RENAMES = """
import os, signal, sys
from pathlib import Path
from embeddings.atomic import atomic_folder

target = Path(sys.argv[1])
rename = Path.rename

def killed_after(self, to):
    rename(self, to)
    os.kill(os.getpid(), signal.SIGKILL)

Path.rename = killed_after
with atomic_folder(target) as draft:
    (draft / "report.json").write_text("new")
"""


def test_a_folder_moved_by_a_killed_process_is_restored(tmp_path: Path) -> None:
    target = tmp_path / "run"
    target.mkdir()
    (target / "report.json").write_text("old")
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED_BETWEEN_TWO_RENAMES, str(target)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert not target.exists()
    clear_drafts(tmp_path)
    assert (target / "report.json").read_text("utf-8") == "old"
    assert list(tmp_path.iterdir()) == [target]
