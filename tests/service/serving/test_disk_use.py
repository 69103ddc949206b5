"""Disk use of a home."""

from pathlib import Path

from service.serving.disk_use import measure_disk_use
from service.settings import ServiceSettings


def test_the_parts_are_measured_without_following_links(home: Path) -> None:
    used = measure_disk_use(ServiceSettings(home=home))
    assert set(used) == {"images", "blobs", "files", "labels", "features", "releases", "selections"}
    files = [each for each in home.rglob("*") if each.is_file() and not each.is_symlink()]
    counted = [each for each in files if {"store", "releases"} & set(each.relative_to(home).parts)]
    unique = {each.resolve() for each in counted}
    assert sum(used.values()) == sum(each.stat().st_size for each in unique)
    assert [name for name, size in used.items() if not size] == ["selections"]


def test_an_empty_home_uses_nothing(tmp_path: Path) -> None:
    assert set(measure_disk_use(ServiceSettings(home=tmp_path)).values()) == {0}


def test_a_store_elsewhere_is_left_out(tmp_path: Path) -> None:
    settings = ServiceSettings(home=tmp_path, store="s3://bucket/store")
    assert set(measure_disk_use(settings)) == {"releases"}
