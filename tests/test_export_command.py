"""`belvedere export` of a tiny home, in this process."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from belvedere.cli import main
from conftest import MakeOnce
from embeddings.store.store import Store
from tests.tiny_release import PER_CLASS, make_home


@pytest.fixture
def home(made_once: MakeOnce) -> Path:
    """Return a home of its own for each test."""
    return made_once("tiny-home", make_home)


def ids(path: Path) -> list[str]:
    found: list[str] = pq.read_table(path).column("id").to_pylist()
    return found


def test_the_newest_images_are_exported(
    home: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "deep" / "all.parquet"
    assert main(["export", "--home", str(home), str(target)]) == 0
    present = Store(str(home / "store")).at().images.ids
    assert ids(target) == present
    assert f"Exported: {len(present)} images of revision 2 to {target}." in capfd.readouterr().out


def test_the_options_select_images_and_columns(home: Path, tmp_path: Path) -> None:
    target = tmp_path / "lakes.parquet"
    options = ["--label", "lake", "--split", "train", "--thumbnails"]
    assert main(["export", "--home", str(home), str(target), *options]) == 0
    images = Store(str(home / "store")).at().images
    assert ids(target) == [
        each.id for each in images if (each.label, each.split) == ("lake", "train")
    ]
    assert "thumbnail" in pq.read_schema(target).names


@pytest.mark.parametrize(
    ("name", "options", "start"),
    [
        ("lakes.csv", [], b"id,label,"),
        ("lakes.ZIP", [], b"PK"),
        ("lakes", [], b"PAR1"),
        ("lakes.txt", ["--format", "csv"], b"id,label,"),
    ],
)
def test_the_extension_is_the_format_by_default(
    home: Path, tmp_path: Path, name: str, options: list[str], start: bytes
) -> None:
    target = tmp_path / name
    assert main(["export", "--home", str(home), str(target), "--label", "lake", *options]) == 0
    assert target.read_bytes().startswith(start)


def test_conditions_select_the_images_that_meet_all(home: Path, tmp_path: Path) -> None:
    target = tmp_path / "wrong.parquet"
    conditions = ["--where", "wrong=true", "--label", "lake", "--label", "ocean"]
    assert main(["export", "--home", str(home), str(target), *conditions]) == 0
    rows = pq.read_table(target).to_pylist()
    assert {row["label"] for row in rows} == {"lake", "ocean"}
    assert all(row["predicted"] != row["label"] for row in rows)


def test_an_earlier_dataset_version_is_exported(home: Path, tmp_path: Path) -> None:
    Store(str(home / "store")).delete(["lake/lake_0000"])
    for options, count in ((["--at", "2"], PER_CLASS), ([], PER_CLASS - 1)):
        target = tmp_path / "lakes.parquet"
        assert main(["export", "--home", str(home), str(target), "--label", "lake", *options]) == 0
        assert len(ids(target)) == count


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--label", "moon"], "no class 'moon'"),
        (["--at", "nowhere"], "nowhere"),
        (["--at", "2", "--label", "moon"], "no class 'moon'"),
        (["--at", "2", "--where", "wrong=true"], "`label`, `split` and `selection` alone"),
        (["--selection", "none"], "no selection 'none'"),
        (["--format", "csv", "--thumbnails"], "no thumbnails"),
        (["--where", "colour=red"], "no condition 'colour'"),
        (["--where", "wrong=perhaps"], "wrong"),
    ],
)
def test_a_refused_export_leaves_the_file_as_it_was(
    home: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], options: list[str], text: str
) -> None:
    target = tmp_path / "all.parquet"
    target.write_text("before")
    assert main(["export", "--home", str(home), str(target), *options]) == 1
    assert text in capfd.readouterr().err
    assert target.read_text() == "before"
    assert list(tmp_path.iterdir()) == [target]


def test_a_home_without_a_release_gets_an_error(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "--home", str(tmp_path / "home"), str(tmp_path / "x.parquet")]) == 1
    assert "belvedere publish" in capfd.readouterr().err
