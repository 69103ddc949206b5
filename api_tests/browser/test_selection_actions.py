"""Actions on selected images: labels, tags, leaving out and restoring, and undo."""

import re

import pytest
from playwright.sync_api import expect

from api_tests.browser.conftest import NARROW
from api_tests.browser.map_helpers import expect_in_view
from api_tests.browser.test_selection import SELECTED, expect_selected, tray


@pytest.fixture
def lakes(writable):
    return [each["id"] for each in images(writable, label="lake")]


def images(client, **where):
    found = client.get("/images", params={"limit": 100} | where).json()["images"]
    return found


def history(client, identifier):
    """Return the reasons of the decisions about an image, and the labels after them."""
    decisions = client.get("/history", params={"id": identifier}).json()["decisions"]
    return [(each["why"], each["after"]) for each in decisions]


def choose_lakes(page, lakes):
    expect_in_view(page, len(lakes))
    page.get_by_role("button", name=f"Select all {len(lakes)}").click()
    expect_selected(page, len(lakes))


def act(page, name):
    """Open the dialog of an action and return it."""
    tray(page).get_by_role("button", name=name).click()
    return page.get_by_role("dialog")


def toast(page):
    return page.locator("#toast")


def test_relabelling_and_undo(open_page, writable, lakes, axe_violations, screenshot):
    page = open_page("#/map?label=lake", service=writable)
    choose_lakes(page, lakes)
    expect(tray(page).get_by_role("img").first).to_be_in_viewport()
    dialog = act(page, "Relabel")
    expect(dialog).to_contain_text(f"Relabel {len(lakes)} images")
    assert axe_violations(page) == []
    screenshot(page, "relabel")
    dialog.get_by_role("radio", name="ocean").check()
    dialog.get_by_role("button", name="Relabel").click()
    expect(dialog).to_have_count(0)
    expect(toast(page)).to_contain_text(f"{len(lakes)} images relabelled as ocean.")
    expect_in_view(page, 0)
    assert not images(writable, label="lake")
    assert history(writable, lakes[0])[-1] == ("review", "ocean")
    toast(page).get_by_role("button", name="Undo").click()
    expect(toast(page)).to_contain_text("taken back")
    expect_in_view(page, len(lakes))
    assert [each["id"] for each in images(writable, label="lake")] == lakes
    # Undo is a decision of its own.
    assert history(writable, lakes[0])[-1] == ("undo:review", "lake")


def test_another_class_is_typed_and_the_label_can_be_removed(open_page, writable, lakes):
    page = open_page("#/map?label=lake", service=writable)
    choose_lakes(page, lakes)
    dialog = act(page, "Relabel")
    dialog.get_by_role("radio", name="Another class").check()
    dialog.get_by_label("Name of the other class").fill("pond")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("There is no class 'pond'")
    assert history(writable, lakes[0]) == []
    dialog.get_by_role("checkbox", name="Create the class “pond”").check()
    dialog.get_by_role("button", name="Relabel").click()
    expect(toast(page)).to_contain_text("relabelled as pond")
    assert history(writable, lakes[0])[-1] == ("review", "pond")
    dialog = act(page, "Relabel")
    dialog.get_by_role("radio", name="No label").check()
    dialog.get_by_role("button", name="Relabel").click()
    expect(toast(page)).to_contain_text("left without a label")
    assert history(writable, lakes[0])[-1] == ("review", None)
    expect(dialog).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(toast(page)).to_contain_text("taken back")
    assert history(writable, lakes[0])[-1][1] == "pond"
    page.keyboard.press("Control+z")
    expect_in_view(page, len(lakes))
    assert history(writable, lakes[0])[-1][1] == "lake"


def test_leaving_out_restoring_and_undo(open_page, writable, lakes):
    page = open_page("#/map?label=lake", service=writable)
    choose_lakes(page, lakes)
    total = writable.get("/images", params={"limit": 1}).json()["total"]
    act(page, "Leave out").get_by_role("button", name="Leave out").click()
    expect(toast(page)).to_contain_text(f"{len(lakes)} images left out.")
    expect_in_view(page, 0)
    expect(tray(page)).to_contain_text(f"{len(lakes)} images selected, left out")
    expect(tray(page).get_by_role("button", name="Relabel")).to_be_hidden()
    assert writable.get("/images", params={"limit": 1}).json()["total"] == total - len(lakes)
    tray(page).get_by_role("button", name="Restore").click()
    expect(toast(page)).to_contain_text(f"{len(lakes)} images restored.")
    expect_in_view(page, len(lakes))
    expect(tray(page).get_by_role("button", name="Restore")).to_be_hidden()
    toast(page).get_by_role("button", name="Undo").click()
    expect_in_view(page, 0)
    # The deleted images are listed by the history, and can be selected there.
    page.reload()
    page.get_by_role("link", name="History").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("History")
    assert len(page.evaluate(SELECTED)) == len(lakes)


def test_tags(open_page, writable, lakes):
    page = open_page("#/map?label=lake", service=writable)
    choose_lakes(page, lakes)
    dialog = act(page, "Tag")
    dialog.get_by_label("Tag", exact=True).fill("blurred")
    dialog.get_by_role("button", name="Apply").click()
    expect(toast(page)).to_contain_text(f"{len(lakes)} images tagged “blurred”.")
    tagged = writable.get("/images", params={"tag": "blurred", "limit": 1}).json()["total"]
    assert tagged == len(lakes)
    dialog = act(page, "Tag")
    expect(dialog.locator("datalist option")).to_have_attribute("value", "blurred")
    dialog.get_by_label("Tag", exact=True).fill("blurred")
    dialog.get_by_role("radio", name="Remove").check()
    dialog.get_by_role("button", name="Apply").click()
    expect(toast(page)).to_contain_text("without the tag “blurred”")
    assert writable.get("/images", params={"tag": "blurred", "limit": 1}).json()["total"] == 0


def test_refusals_are_shown_in_the_dialog(open_page, writable, lakes):
    page = open_page("#/map?label=lake", service=writable)
    choose_lakes(page, lakes)
    dialog = act(page, "Tag")
    dialog.get_by_label("Tag", exact=True).fill("a")
    page.route("**/changes", lambda route: route.fulfill(status=403, json={"detail": "No right."}))
    dialog.get_by_role("button", name="Apply").click()
    expect(dialog.get_by_role("alert")).to_have_text("No right.")
    page.unroute("**/changes")
    dialog.get_by_role("button", name="Apply").click()
    expect(dialog).to_have_count(0)
    # A later decision about an image prevents the undo, and the page says so.
    etag = images(writable, label="lake")[0]["etag"]
    answer = writable.patch(
        "/images",
        params={"id": lakes[0]},
        json={"label": "road"},
        headers={"If-Match": f'"{etag}"'},
    )
    assert answer.status_code == 200
    toast(page).get_by_role("button", name="Undo").click()
    expect(toast(page)).to_contain_text(re.compile("was not taken back. A later decision"))


def test_an_image_that_was_deleted_or_changed_meanwhile_is_named(open_page, writable, lakes):
    page = open_page("#/map?label=lake", service=writable)
    choose_lakes(page, lakes)
    # The page knows the states of the images that it shows in the tray.
    expect(tray(page).locator(".selected img")).to_have_count(8)
    dialog = act(page, "Relabel")
    dialog.get_by_role("radio", name="ocean").check()
    changed, deleted = lakes[0], lakes[-1]
    assert writable.patch("/images", params={"id": changed}, json={"label": "road"}).is_success
    assert writable.delete("/images", params={"id": deleted}).is_success
    dialog.get_by_role("button", name="Relabel").click()
    alert = dialog.get_by_role("alert")
    expect(alert).to_contain_text(changed)
    expect(alert).to_contain_text(deleted)
    assert history(writable, lakes[1]) == []
    dialog.get_by_role("button", name=f"Go on with the other {len(lakes) - 2}").click()
    expect(dialog).to_have_count(0)
    expect(toast(page)).to_contain_text(f"{len(lakes) - 2} images relabelled as ocean.")
    assert history(writable, lakes[1])[-1] == ("review", "ocean")
    assert history(writable, changed)[-1] == ("review", "road")
    # The next action finds the deleted image alone.
    dialog = act(page, "Tag")
    dialog.get_by_label("Tag", exact=True).fill("seen")
    dialog.get_by_role("button", name="Apply").click()
    expect(dialog.get_by_role("alert")).to_contain_text(deleted)
    page.keyboard.press("Enter")
    expect(toast(page)).to_contain_text(f"{len(lakes) - 1} images tagged “seen”.")
    expect(tray(page)).to_contain_text("1 left out")


def test_read_only_service_says_how_to_switch_changes_on(open_page, points, axe_violations):
    page = open_page(size=NARROW)
    expect_in_view(page, len(points))
    page.get_by_role("button", name="Select all").click()
    expect_selected(page, len(points))
    expect(tray(page)).to_contain_text("BELVEDERE_WRITABLE=1")
    for name in ("Relabel", "Tag", "Leave out"):
        expect(tray(page).get_by_role("button", name=name)).to_be_disabled()
    expect(tray(page).get_by_role("button", name="Clear")).to_be_enabled()
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]
    assert axe_violations(page) == []
