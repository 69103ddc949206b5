"""Saved selections and exports."""

import csv
import io
import re
import zipfile
from pathlib import Path

import pyarrow.parquet
import pytest
from playwright.sync_api import expect

from api_tests.browser.conftest import NARROW, WIDE
from api_tests.browser.map_helpers import expect_in_view
from api_tests.browser.test_selection import expect_selected, tray
from api_tests.browser.test_selection_actions import (
    act,
    choose_lakes,
    lakes,  # noqa: F401
    toast,
)


def export(page, choose):
    """Return the path of the file that an export downloads."""
    dialog = page.get_by_role("dialog")
    choose(dialog)
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Export").click()
    expect(dialog).to_have_count(0)
    assert download.value.suggested_filename.count(".") == 1
    return Path(download.value.path())


def test_selected_images_are_exported(open_page, api, screenshot):
    forests = api.get("/ids", params={"label": "forest"}).json()["ids"]
    page = open_page("#/map?label=forest")
    choose_lakes(page, forests)
    act(page, "Export")
    screenshot(page, "export")
    path = export(page, lambda dialog: dialog.get_by_label("With thumbnails").check())
    table = pyarrow.parquet.read_table(path)
    assert sorted(table["id"].to_pylist()) == sorted(forests)
    assert "thumbnail" in table.column_names
    act(page, "Export")
    path = export(page, lambda dialog: dialog.get_by_role("radio", name="CSV").check())
    rows = [*csv.DictReader(io.StringIO(path.read_text("utf-8-sig")))]
    assert sorted(each["id"] for each in rows) == sorted(forests)
    act(page, "Export")
    path = export(page, lambda dialog: dialog.get_by_role("radio", name="Images").check())
    names = zipfile.ZipFile(path).namelist()
    assert sum(each.endswith(".jpg") for each in names) == len(forests)


def test_selections_are_saved_shown_and_deleted(open_page, writable, lakes):  # noqa: F811
    page = open_page("#/map?label=lake", service=writable)
    choose_lakes(page, lakes)
    dialog = act(page, "Save")
    dialog.get_by_label("Name").fill("Lakes / fixed")
    dialog.get_by_role("button", name="Save").click()
    expect(toast(page)).to_contain_text("was saved")
    dialog = act(page, "Save")
    dialog.get_by_label("Name").fill("live lakes")
    dialog.get_by_role("radio", name="All that match").check()
    dialog.get_by_role("button", name="Save").click()
    expect(toast(page)).to_contain_text("“live lakes” was saved")
    # A name that exists is replaced on request only.
    dialog = act(page, "Save")
    dialog.get_by_label("Name").fill("live lakes")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("exists")
    page.keyboard.press("Escape")
    tray(page).get_by_role("button", name="Clear").click()
    writable.post("/changes", json={"ids": lakes[:3], "label": "ocean"})
    page.get_by_role("link", name="Selections").click()
    items = page.locator(".saved > li")
    expect(items).to_have_count(2)
    expect(items.filter(has_text="live")).to_contain_text(f"{len(lakes) - 3} images: label: lake")
    expect(items.filter(has_text="fixed")).to_contain_text(f"{len(lakes)} images")
    page.get_by_role("button", name="Select Lakes / fixed").click()
    expect_selected(page, len(lakes))
    page.get_by_role("button", name="Export … live lakes").click()
    path = export(page, lambda dialog: None)
    assert pyarrow.parquet.read_table(path).num_rows == len(lakes) - 3
    items.filter(has_text="fixed").get_by_role("link", name="Show on the map").click()
    expect(page).to_have_url(re.compile(r"#/map\?selection=Lakes"))
    expect_in_view(page, len(lakes))
    page.get_by_role("button", name="Show all images").click()
    expect_in_view(page, 168)
    page.go_back()
    page.get_by_role("button", name="Delete … live lakes").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(items).to_have_count(1)
    page.goto("/#/map?selection=live%20lakes")
    expect(page.get_by_role("alert")).to_contain_text("live lakes")


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "light"), (NARROW, "dark")])
def test_view_of_selections_fits_and_is_accessible(
    open_page,
    writable,
    axe_violations,
    screenshot,
    size,
    scheme,
):
    names = ["a", "n" * 80]
    for name in names:
        content = {"filter": {"label": ["lake"], "typicality_max": 0.5}}
        assert writable.put(f"/selections/{name}", json=content).status_code == 200
    page = open_page("#/selections", service=writable, size=size, scheme=scheme)
    expect(page.get_by_role("heading", level=1)).to_have_text("Selections")
    expect(page.locator(".saved > li")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert axe_violations(page) == []
    screenshot(page, f"selections-{size[0]}-{scheme}")


def test_read_only_service_shows_selections(open_page):
    page = open_page("#/selections")
    expect(page.locator("main")).to_contain_text("BELVEDERE_WRITABLE=1")
    expect(page.locator("main")).to_contain_text("There are none yet.")
