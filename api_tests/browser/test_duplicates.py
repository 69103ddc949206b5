"""Review of near-duplicates: keep one, all or none, take it back."""

import pytest
from playwright.sync_api import expect

from api_tests.browser.conftest import NARROW
from api_tests.test_review import groups_of, put, scene

SCENES = 3


@pytest.fixture
def duplicates(writable):
    """Return the client of a writing service with groups of a large and a small image."""
    for number in range(SCENES):
        put(writable, f"mine/{number}-large", scene(number + 1, (640, 480)))
        put(writable, f"mine/{number}-small", scene(number + 1, (320, 240)))
    return writable


def ids(client):
    found = client.get("/images", params={"limit": 1000}).json()["images"]
    return {each["id"] for each in found if each["id"].startswith("mine/")}


def shown(page):
    return page.locator(".duplicates .facts strong")


def test_one_of_each_group_is_kept_or_all(open_page, duplicates, axe_violations, screenshot):
    groups = duplicates.get("/duplicates").json()["groups"]
    assert len(groups) >= SCENES
    page = open_page("#/duplicates", service=duplicates)
    expect(page.get_by_role("heading", level=1)).to_have_text("Duplicates")
    first, second, third = groups[:3]
    expect(shown(page)).to_have_text([each["id"] for each in first["images"]])
    expect(page.locator(".duplicates figure").first).to_contain_text("suggested")
    assert axe_violations(page) == []
    screenshot(page, "duplicates")
    page.keyboard.press("a")
    expect(shown(page)).to_have_text([each["id"] for each in second["images"]])
    page.keyboard.press("k")
    expect(shown(page)).to_have_text([each["id"] for each in third["images"]])
    page.keyboard.press("2")
    expect(page.locator(".review-progress")).to_contain_text("3 decided")
    expect(page.locator(".review-progress")).not_to_contain_text("being saved")
    left = {each["id"] for each in duplicates.get("/images?limit=1000").json()["images"]}
    assert {each["id"] for each in first["images"]} & left == {first["best"]}
    assert {each["id"] for each in second["images"]} <= left
    assert {each["id"] for each in third["images"]} & left == {third["images"][1]["id"]}
    remaining = groups_of(duplicates)
    for group in (first, second, third):
        assert {each["id"] for each in group["images"]} not in remaining


def test_a_deletion_is_taken_back(open_page, duplicates):
    group = duplicates.get("/duplicates").json()["groups"][0]
    present = ids(duplicates)
    page = open_page("#/duplicates", service=duplicates, size=NARROW, touch=True)
    expect(shown(page)).to_have_text([each["id"] for each in group["images"]])
    page.get_by_role("button", name="Delete both").tap()
    expect(shown(page)).not_to_have_text([each["id"] for each in group["images"]])
    page.get_by_role("button", name="Undo").tap()
    expect(shown(page)).to_have_text([each["id"] for each in group["images"]])
    expect(page.locator(".review-progress")).not_to_contain_text("being saved")
    assert ids(duplicates) == present
    assert {each["id"] for each in group["images"]} in groups_of(duplicates)
    # The records changed twice; the page knows their state.
    page.get_by_role("button", name="Keep this").first.tap()
    expect(page.locator(".review-progress")).to_contain_text("1 decided")
    expect(page.locator(".review-progress")).not_to_contain_text("being saved")
    assert present - ids(duplicates) == {group["images"][1]["id"]}


def test_a_group_that_changed_meanwhile_is_not_deleted(open_page, duplicates):
    group = duplicates.get("/duplicates").json()["groups"][0]
    name = group["images"][1]["id"]
    page = open_page("#/duplicates", service=duplicates)
    expect(shown(page).first).to_be_visible()
    relabelled = duplicates.patch("/images", params={"id": name}, json={"label": "city"})
    assert relabelled.status_code == 200
    page.keyboard.press("a")
    expect(page.locator(".messages").get_by_role("alert")).to_contain_text("changed meanwhile")
    assert name in ids(duplicates)
