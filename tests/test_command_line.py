"""Command line, run in a separate process."""

import os
import shutil
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from embeddings.lock import SERVICE, store_lock
from embeddings.release.reader import current_release, read_manifest
from embeddings.store.store import Store
from service.settings import ServiceSettings
from tests.training.pictures import class_folders, jpeg, left_out, outcomes, picture
from training.settings import TrainingSettings

ROOT = Path(__file__).parent.parent


def belvedere(home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "belvedere", *arguments],
        cwd=ROOT,
        env={**os.environ, "BELVEDERE_HOME": str(home)}
        | {f"BELVEDERE_{name.upper()}": value for name, value in settings.items()},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("arguments", "settings", "sentence"),
    [
        (["data"], {"data": "/nowhere.zip"}, "/nowhere.zip does not exist"),
        (["compare"], {}, "run `belvedere data` first"),
        (["data"], {"preset": "huge"}, "BELVEDERE_PRESET: Input should be 'quick', 'full' or"),
        (["data"], {"scenes": "many"}, "BELVEDERE_SCENES"),
        (["train", "--preset", "huge"], {}, "--preset: Input should be 'quick', 'full' or"),
        (["serve", "--port", "70000"], {"port": "80"}, "--port: Input should be less than"),
        (["serve", "--no-keep-location", "--api-key", "ä"], {}, "--api-key: the key is sent in a"),
        (["up", "--port", "70000"], {}, "--port: Input should be less than"),
        (["train", "dropuot"], {}, "`belvedere train --list` lists all experiments"),
        (["data"], {"weights": "/nowhere"}, "BELVEDERE_WEIGHTS: it is not a folder"),
        (["data"], {"data": "~nobody-of-this-name/x"}, "BELVEDERE_DATA: the path cannot be"),
        (["serve"], {"port": "70000"}, "BELVEDERE_PORT: Input should be less than"),
        (["serve"], {"port": "a", "queue": "b"}, "BELVEDERE_QUEUE: Input should be a valid int"),
        (["serve"], {"origins": "x.example"}, "BELVEDERE_ORIGINS: an origin consists of a scheme"),
        (["serve"], {"host": "no.such.invalid"}, "BELVEDERE_HOST: 'no.such.invalid' is not"),
    ],
)
def test_errors_are_one_sentence_and_a_status(
    tmp_path: Path, arguments: list[str], settings: dict[str, str], sentence: str
) -> None:
    done = belvedere(tmp_path, *arguments, **settings)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = belvedere(tmp_path, "serve", port=str(port))
    assert done.returncode == 1
    assert f"BELVEDERE_PORT: the service cannot listen on port {port}" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_closed_output_is_no_error(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as output:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "belvedere", "train", "--list"],
            cwd=ROOT,
            env={**os.environ, "BELVEDERE_HOME": str(tmp_path)},
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.stderr == ""


def test_an_unexpected_error_shows_its_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A module of this name precedes the library and raises an unexpected error.
    (tmp_path / "lance.py").write_text("raise RuntimeError('a bug')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    done = belvedere(tmp_path, "compare")
    assert "Traceback" in done.stderr


def test_the_service_does_not_start_without_d3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Metadata without a copy of D3 precede those of the installed package.
    about = tmp_path / "mpld3-0.6.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: mpld3\nVersion: 0.6\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    done = belvedere(tmp_path, "serve", port="0")
    assert done.returncode == 1
    assert done.stderr.startswith("belvedere: The page needs d3.v5.min.js of the package `mpld3`")
    assert len(done.stderr.strip().splitlines()) == 1


def test_data_prints_classes_and_repeats_no_work(tmp_path: Path) -> None:
    done = belvedere(tmp_path, "data", data="scenes", scenes="13")
    assert done.returncode == 0, done.stderr
    assert "generated scenes: 91" in done.stdout
    assert "mountain" in done.stdout
    again = belvedere(tmp_path, "data", data="scenes", scenes="13")
    assert "unchanged" in again.stdout


def test_broken_exif_prints_no_warning(tmp_path: Path) -> None:
    folder = class_folders(tmp_path / "pets", {"cat": 12, "dog": 12})
    broken = b"Exif\0\0MM\0*\0\0\0\x08\0\xff"
    picture(900).save(folder / "cat/broken.jpg", exif=broken)
    done = belvedere(tmp_path / "home", "data", data=str(folder))
    assert (done.returncode, done.stderr) == (0, "")


def test_add_gives_each_file_an_outcome_and_deletes_only_if_told(tmp_path: Path) -> None:
    pets, home = class_folders(tmp_path / "pets", {"cat": 12, "dog": 12}), tmp_path / "home"
    done = belvedere(home, "add", str(pets))
    assert (done.returncode, done.stderr) == (0, "")
    assert set(outcomes(home).values()) == {"added"}

    for path in sorted((pets / "cat").iterdir())[:5]:
        path.unlink()
    (pets / "cat/new.jpg").write_bytes(jpeg(500))
    done = belvedere(home, "add", str(pets))
    assert "The files of 5 images are gone" in done.stdout
    assert "--mirror" in done.stdout
    refused = belvedere(home, "add", "--mirror", str(pets))
    assert refused.returncode == 1
    assert "5 of 25 images" in refused.stderr
    assert "--yes" in refused.stderr
    images = Store(str(home / "store")).at
    assert len(images().images) == 25
    assert belvedere(home, "add", "--mirror", "--yes", str(pets)).returncode == 0
    assert len(images().images) == 20


def test_add_takes_single_files_with_the_class_of_their_folder(tmp_path: Path) -> None:
    pets, home = class_folders(tmp_path / "pets", {"cat": 12, "dog": 12}), tmp_path / "home"
    assert belvedere(home, "add", str(pets)).returncode == 0
    (pets / "emu").mkdir()
    new = [pets / "cat/new.jpg", pets / "emu/new.jpg"]
    for number, path in enumerate(new):
        path.write_bytes(jpeg(500 + number))
    done = belvedere(home, "add", *map(str, new), str(pets / "dog/001.jpg"))
    assert done.returncode == 0, done.stderr
    assert outcomes(home) == {
        "cat/new.jpg": "added", "dog/001.jpg": "unchanged", "emu/new.jpg": "rejected"
    }  # fmt: skip
    assert "--label" in left_out(home)["emu/new.jpg"]
    refused = belvedere(home, "add", str(new[1]))
    assert refused.returncode == 1
    assert "Nothing was added: emu/new.jpg" in refused.stderr
    refused = belvedere(home, "add", "--label", "emu", str(new[1]))
    assert refused.returncode == 1
    assert "There is no class 'emu'" in refused.stderr
    assert "--new-class" in refused.stderr
    done = belvedere(home, "add", "--new-class", "--label", "emu", str(new[1]))
    assert done.returncode == 0, done.stderr
    assert Store(str(home / "store")).at().images.classes == ("cat", "dog", "emu")


def test_add_creates_no_class_of_a_misspelt_folder(tmp_path: Path) -> None:
    pets, home = class_folders(tmp_path / "pets", {"cat": 3, "dog": 3}), tmp_path / "home"
    assert belvedere(home, "add", str(pets)).returncode == 0
    more = class_folders(tmp_path / "more", {"dog": 6, "dgo": 6})
    refused = belvedere(home, "add", str(more))
    assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
    assert "There is no class 'dgo' (the nearest is 'dog')" in refused.stderr
    assert "Nothing was changed" in refused.stderr
    assert Store(str(home / "store")).at().images.classes == ("cat", "dog")
    assert belvedere(home, "add", "--new-class", str(more)).returncode == 0
    assert Store(str(home / "store")).at().images.classes == ("cat", "dgo", "dog")


def test_add_reads_paths_from_standard_input(tmp_path: Path) -> None:
    pets = class_folders(tmp_path / "pets", {"cat": 3, "dog": 3})
    done = subprocess.run(
        [sys.executable, "-m", "belvedere", "add", "--label", "pet", "-"],
        cwd=ROOT,
        env={**os.environ, "BELVEDERE_HOME": str(tmp_path / "home")},
        input="\n".join(str(path) for path in sorted(pets.rglob("*.jpg"))).encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert Store(str(tmp_path / "home/store")).at().images.labels == ["pet"] * 6


def test_a_second_process_is_rejected_and_drafts_of_a_killed_one_are_removed(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-m", "belvedere", "prepare"]
    settings = {"BELVEDERE_HOME": str(tmp_path), "BELVEDERE_DATA": "scenes"}
    settings |= {"BELVEDERE_SCENES": "13"}
    both = [
        subprocess.Popen(
            command, cwd=ROOT, env=os.environ | settings, stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    try:
        while not (ended := [each for each in both if each.poll() is not None]):
            time.sleep(0.01)
        (holder,) = [each for each in both if each not in ended]
        assert ended[0].returncode == 1
        assert ended[0].stderr is not None
        told = ended[0].stderr.read()
        assert f"is locked by `belvedere prepare` (process {holder.pid} on " in told
        assert len(told.splitlines()) == 1
        while not list(tmp_path.glob("cache/.draft-*")):
            assert holder.poll() is None
            time.sleep(0.001)
    finally:
        for each in both:
            each.kill()
            each.communicate()
    assert list(tmp_path.rglob(".draft-*"))
    done = belvedere(tmp_path, "data", data="scenes", scenes="13")
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.rglob(".draft-*"))


@pytest.mark.parametrize("stream", ["ascii", "latin-1", "utf-8"])
def test_names_are_printable_in_every_locale(
    tmp_path: Path, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The locale C without Python's coercion has the smallest encoding: ASCII."""
    folder = class_folders(tmp_path / "Bäume", {"Wälder": 10, "cats [old]": 10, ":dog:": 10})
    (folder / "Wälder/森[red].txt").write_bytes(b"x")
    for name, value in {
        "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": stream
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    done = belvedere(tmp_path / "home", "data", data=str(folder))
    assert (done.returncode, done.stderr) == (0, "")
    assert "cats [old]" in done.stdout
    assert ":dog:" in done.stdout
    assert left_out(tmp_path / "home") == {
        "Wälder/森[red].txt": "not a JPEG, PNG, WebP, AVIF or HEIC file"
    }
    classes = Store(str(tmp_path / "home/store")).at().images.classes
    assert classes == (":dog:", "Wälder", "cats [old]")


def test_help_lists_the_commands_in_their_usual_order(tmp_path: Path) -> None:
    shown = belvedere(tmp_path, "--help").stdout
    commands = ("data", "add", "train", "compare", "publish", "prepare", "serve", "up", "config")
    places = [shown.index(f"\n  {command} ") for command in commands]
    assert places == sorted(places)


def test_every_setting_is_an_option_with_its_description(tmp_path: Path) -> None:
    for command, settings in (("train", TrainingSettings), ("serve", ServiceSettings)):
        # Lines are broken at hyphens, too.
        shown = "".join(belvedere(tmp_path, command, "--help").stdout.split())
        for name, field in settings.model_fields.items():
            assert f"--{name.replace('_', '-')}" in shown
            described = "".join((field.description or "").split())
            assert f"{described}[BELVEDERE_{name.upper()}" in shown


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["serve", "--prot", "80"], "'--prot'"),
        (["nothing"], "'nothing'"),
        (["train", "--seeds", "0"], "'--seeds'"),
    ],
)
def test_a_usage_error_is_one_sentence(tmp_path: Path, arguments: list[str], named: str) -> None:
    done = belvedere(tmp_path, *arguments)
    assert done.returncode == 2
    assert named in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_config_shows_values_and_their_sources_but_no_secret(tmp_path: Path) -> None:
    shown = belvedere(tmp_path, "config", "--port", "9", seed="7", api_key="secret-key").stdout
    lines = {line.split()[0]: line.split(maxsplit=1)[1] for line in shown.splitlines()}
    assert lines["BELVEDERE_PORT"] == "9  (option)"
    assert lines["BELVEDERE_SEED"] == "7  (environment)"
    assert lines["BELVEDERE_QUEUE"] == "64  (default)"
    assert lines["BELVEDERE_API_KEY"] == "set  (environment)"
    assert "secret-key" not in shown


def test_the_version_is_that_of_the_project(tmp_path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert belvedere(tmp_path, "--version").stdout.split()[-1] == project["version"]


def test_experiments_are_listed_without_any_data(tmp_path: Path) -> None:
    shown = belvedere(tmp_path, "train", "--list", preset="full").stdout
    for name in ("baseline", "mixup", "combined", "mobilenetv2-fine-tuned", "distilled"):
        assert f"\n* {name} " in shown
    chosen = belvedere(tmp_path, "train", "--list", "--preset", "quick").stdout
    assert "\n* dropout " in chosen
    assert "\n  mixup " in chosen
    assert not list(tmp_path.iterdir())


def test_prepare_keeps_the_release_while_a_service_writes_the_store(
    tmp_path: Path, home: Path
) -> None:
    served, empty = tmp_path / "served", tmp_path / "empty"
    shutil.copytree(home, served, symlinks=True)
    for folder in (served, empty):
        with store_lock(str(folder / "store"), SERVICE):
            done = belvedere(folder, "prepare", data="scenes")
        if folder == served:
            assert done.returncode == 0, done.stderr
            assert f"Nothing is ingested; release {fingerprint(served)} stays." in done.stdout
        else:
            assert done.returncode == 1
            assert "is locked by `belvedere serve`" in done.stderr


def fingerprint(home: Path) -> str:
    return read_manifest(current_release(home / "releases")).fingerprint
