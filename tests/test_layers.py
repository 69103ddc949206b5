"""The floors of the house, and what a service that only serves may load."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_no_floor_imports_what_it_must_not_know() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    checked = subprocess.run([command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout


def test_the_serving_set_has_no_tensorflow_and_no_lock_names_a_registry() -> None:
    locks = {path.stem: path.read_text("utf-8") for path in (ROOT / "requirements").glob("*.txt")}
    assert set(locks) == {"serve", "train", "report", "test", "dev", "rivals"}
    for name in ("tensorflow", "keras", "torch"):
        assert f"\n{name}==" not in locks["serve"] + locks["report"] + locks["test"]
    for content in locks.values():
        assert "://" not in content
        assert "--hash=sha256:" in content
