"""Import contracts of the packages, and the dependencies of the serving environment."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_imports_satisfy_the_contracts() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def test_the_serving_set_has_no_tensorflow_and_no_lock_names_a_registry() -> None:
    locks = {path.stem: path.read_text("utf-8") for path in (ROOT / "requirements").glob("*.txt")}
    without_training = {"serve", "serve-scale", "report", "test"}
    assert set(locks) == {*without_training, "train", "train-scale", "dev", "rivals"}
    for name in ("tensorflow", "keras", "torch"):
        assert not any(f"\n{name}==" in locks[each] for each in without_training)
    for content in locks.values():
        assert "://" not in content
        assert "--hash=sha256:" in content
