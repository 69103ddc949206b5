"""The page with a keyboard alone: no test here uses a mouse."""

import re
from urllib.parse import unquote

import pytest
from playwright.sync_api import expect

from api_tests.browser.conftest import UNREACHABLE
from api_tests.browser.giving import payload

KEY_NEEDED = {"status": 401, "json": {"detail": "A key is needed."}}
MOST_PRESSES = 60


def lead_to(page, target, key="Tab"):
    """Press a key until something is focused."""
    expect(target).to_be_visible()
    for _ in range(MOST_PRESSES):
        page.keyboard.press(key)
        if target.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"{key} does not lead to {target}.")


def enter(page, target, key="Tab"):
    """Go to something and press Enter."""
    lead_to(page, target, key)
    page.keyboard.press("Enter")


def a_way_on(points, identifier):
    """A direction in which there is another point."""
    here, other = (
        next(each for each in points if (each["id"] == identifier) == same)
        for same in (True, False)
    )
    right, up = other["x"] - here["x"], other["y"] - here["y"]
    if abs(right) > abs(up):
        return "ArrowRight" if right > 0 else "ArrowLeft"
    return "ArrowUp" if up > 0 else "ArrowDown"


def test_over_the_map_and_from_photograph_to_photograph(opened, points):
    page = opened()
    expect(page.locator(".map canvas")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="To the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator(".sheet")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    link = page.locator(".hover-card a").first
    expect(link).to_be_visible()
    first = link.get_attribute("href")
    said = page.locator("#said")
    expect(said).to_contain_text(re.compile(r"(training|validation)\. .*\. Generated scene"))
    page.keyboard.press(a_way_on(points, unquote(first.removeprefix("#/image/"))))
    expect(link).not_to_have_attribute("href", first)
    page.keyboard.press("Enter")
    expect(page.locator(".neighbours figure")).to_have_count(3)
    expect(page.locator("main")).to_be_focused()
    shown = page.url
    enter(page, page.locator(".neighbours a.picture").first)
    expect(page).not_to_have_url(shown)
    expect(page.locator(".neighbours figure")).to_have_count(3)


def test_to_every_view_and_all_that_can_be_done_there(opened, points, a_jpeg):
    page = opened("#/errors")
    # From the beginning, since the browser must know that it is to open no window of its own.
    page.on("filechooser", lambda chooser: chooser.set_files(payload(a_jpeg)))
    heat_map = page.get_by_role("button", name="Heat map").first
    enter(page, heat_map)
    expect(heat_map).to_have_attribute("aria-pressed", "true")

    page.route("**/experiments", lambda route: route.fulfill(**KEY_NEEDED))
    experiments = page.get_by_role("link", name="Experiments", exact=True)
    enter(page, experiments, "Shift+Tab")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    enter(page, page.get_by_role("button", name="Try again"))
    expect(dialog.get_by_label("Key")).to_be_focused()
    page.keyboard.type("a key")
    page.unroute("**/experiments")
    page.keyboard.press("Enter")
    weights = page.get_by_role("columnheader", name="Weights")
    enter(page, weights.get_by_role("button"))
    expect(weights).to_have_attribute("aria-sort", "descending")
    enter(page, page.locator("table.experiments a").first)
    expect(page.get_by_role("heading", name="How it learned")).to_be_visible()

    enter(page, page.get_by_role("button", name="Try a photograph"), "Shift+Tab")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your photograph")

    enter(page, page.get_by_role("link", name="Map"), "Shift+Tab")
    lead_to(page, page.get_by_role("button", name="lake"))
    page.keyboard.press("Space")
    lead_to(page, page.get_by_role("radio", name="All"))
    page.keyboard.press("ArrowRight")
    lead_to(page, page.get_by_label("Only errors"))
    page.keyboard.press("Space")
    wrong = [
        each
        for each in points
        if each["label"] == "lake" and each["split"] == "train" and each["predicted"] != "lake"
    ]
    expect(page.locator(".sight h2")).to_have_text(re.compile(rf"In sight: {len(wrong)} photo"))


def test_to_the_links_beside_a_point_and_back(opened, odd):
    page = opened(service=odd, refused=UNREACHABLE)
    page.context.route("https://www.flickr.com/**", lambda route: route.fulfill(body="Elsewhere"))
    lead_to(page, page.locator(".sheet"))
    page.keyboard.press("ArrowLeft")
    title = page.locator(".hover-card").locator(".credit a").first
    lead_to(page, title)
    with page.context.expect_page() as other:
        page.keyboard.press("Enter")
    expect(other.value.get_by_text("Elsewhere")).to_be_visible()
    assert "#/image/" not in page.url
    page.bring_to_front()
    page.keyboard.press("ArrowLeft")
    expect(title).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".hover-card")).to_be_hidden()
    expect(page.locator(".sheet")).to_be_focused()


def test_what_it_leads_to_does_not_lie_beneath_the_header(opened):
    page = opened("#/errors", size=(600, 400))
    button, link = page.locator(".cards.wide button"), page.locator(".cards.wide a.picture")
    lead_to(page, link.nth(1))
    button.first.evaluate("each => scrollBy(0, each.getBoundingClientRect().top - 10)")
    page.keyboard.press("Shift+Tab")
    expect(button.first).to_be_focused()
    header = page.locator("header").bounding_box()
    assert button.first.bounding_box()["y"] >= header["height"]
