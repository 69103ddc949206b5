import socket
import subprocess
import sys
from pathlib import Path

import pytest

from embeddings.ray_cluster import ClusterError, connect, is_address

ROOT = Path(__file__).parents[2]

WITHOUT_RAY = """
import sys

class Missing:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "ray":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing)
from belvedere.cli import main
sys.exit(main(sys.argv[1:]))
"""


def run(home: Path, code: list[str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *code, *arguments],
        cwd=ROOT,
        env={"BELVEDERE_HOME": str(home), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("auto", True),
        ("local", True),
        ("10.0.0.7:6379", True),
        ("head.cluster:6379", True),
        ("[::1]:6379", True),
        ("ray://head:10001", True),
        ("photos", False),
        ("/data/photos:1", False),
        ("baseline", False),
        ("-", False),
        ("", False),
    ],
)
def test_addresses_of_clusters_are_told_from_paths_and_names(text: str, expected: bool) -> None:
    assert is_address(text) is expected


@pytest.mark.parametrize("arguments", [["embed", "--ray"], ["add", "--ray", "photos"]])
def test_without_ray_one_sentence_names_the_extra(tmp_path: Path, arguments: list[str]) -> None:
    done = run(tmp_path, ["-c", WITHOUT_RAY], *arguments)
    assert done.returncode == 1
    assert "pip install 'belvedere[ray]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_an_address_without_a_cluster_is_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        done = run(tmp_path, ["-m", "belvedere"], "embed", "--ray", address)
    assert done.returncode == 1
    assert done.stderr.startswith(f"belvedere: There is no Ray cluster at {address} ")
    assert len(done.stderr.splitlines()) == 1


def test_a_text_that_is_no_address_is_refused() -> None:
    pytest.importorskip("ray")
    with pytest.raises(ClusterError, match=r"'photos' is no address"), connect("photos", print):
        pass


def test_commands_without_ray_do_not_import_it(tmp_path: Path) -> None:
    code = (
        "import sys, training.collection, embeddings.release.embed; assert 'ray' not in sys.modules"
    )
    assert run(tmp_path, ["-c", code]).returncode == 0
