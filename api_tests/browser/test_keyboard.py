"""Use of the page with the keyboard only."""

import re
from urllib.parse import unquote

import pytest
from playwright.sync_api import expect

from api_tests.browser.conftest import UNREACHABLE
from api_tests.browser.uploads import payload

KEY_NEEDED = {"status": 401, "json": {"detail": "A key is needed."}}
MAX_PRESSES = 60


def focus(page, target, key="Tab"):
    """Press a key until an element is focused."""
    expect(target).to_be_visible()
    for _ in range(MAX_PRESSES):
        page.keyboard.press(key)
        if target.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"{key} does not focus {target}.")


def activate(page, target, key="Tab"):
    """Focus an element and press Enter."""
    focus(page, target, key)
    page.keyboard.press("Enter")


def key_to_another(points, identifier):
    """Return an arrow key that leads to another point."""
    here, other = (
        next(each for each in points if (each["id"] == identifier) == same)
        for same in (True, False)
    )
    right, up = other["x"] - here["x"], other["y"] - here["y"]
    if abs(right) > abs(up):
        return "ArrowRight" if right > 0 else "ArrowLeft"
    return "ArrowUp" if up > 0 else "ArrowDown"


def test_arrow_keys_and_links_lead_from_image_to_image(open_page, points):
    page = open_page()
    expect(page.locator(".map canvas")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator(".canvas-host")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    link = page.locator(".hover-card a").first
    expect(link).to_be_visible()
    first = link.get_attribute("href")
    announcement = page.locator("#announcement")
    expect(announcement).to_contain_text(
        re.compile(r"(training|validation)\. .*\. Generated scene")
    )
    page.keyboard.press(key_to_another(points, unquote(first.removeprefix("#/image/"))))
    expect(link).not_to_have_attribute("href", first)
    page.keyboard.press("Enter")
    expect(page.locator(".neighbours figure")).to_have_count(3)
    expect(page.locator("main")).to_be_focused()
    shown = page.url
    activate(page, page.locator(".neighbours a.image-link").first)
    expect(page).not_to_have_url(shown)
    expect(page.locator(".neighbours figure")).to_have_count(3)


def test_every_view_and_control_is_reachable(open_page, points, a_jpeg):
    page = open_page("#/errors")
    # Registered first, because otherwise the browser opens its own dialog.
    page.on("filechooser", lambda chooser: chooser.set_files(payload(a_jpeg)))
    heat_map = page.get_by_role("button", name="Heat map").first
    activate(page, heat_map)
    expect(heat_map).to_have_attribute("aria-pressed", "true")

    page.route("**/experiments", lambda route: route.fulfill(**KEY_NEEDED))
    experiments = page.get_by_role("link", name="Experiments", exact=True)
    activate(page, experiments, "Shift+Tab")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    activate(page, page.get_by_role("button", name="Try again"))
    expect(dialog.get_by_label("API key")).to_be_focused()
    page.keyboard.type("a key")
    page.unroute("**/experiments")
    page.keyboard.press("Enter")
    parameters = page.get_by_role("columnheader", name="Parameters")
    activate(page, parameters.get_by_role("button"))
    expect(parameters).to_have_attribute("aria-sort", "descending")
    activate(page, page.locator("table.experiments a").first)
    expect(page.get_by_role("heading", name="Learning curves")).to_be_visible()

    activate(page, page.get_by_role("button", name="Upload an image"), "Shift+Tab")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your image")

    activate(page, page.get_by_role("link", name="Map"), "Shift+Tab")
    focus(page, page.get_by_role("button", name="lake"))
    page.keyboard.press("Space")
    focus(page, page.get_by_role("radio", name="All"))
    page.keyboard.press("ArrowRight")
    focus(page, page.get_by_label("Only errors"))
    page.keyboard.press("Space")
    wrong = [
        each
        for each in points
        if each["label"] == "lake" and each["split"] == "train" and each["predicted"] != "lake"
    ]
    expect(page.locator(".thumbnails h2")).to_have_text(re.compile(rf"In view: {len(wrong)} image"))


def test_links_of_the_hover_card_are_reachable(open_page, odd):
    page = open_page(service=odd, refused=UNREACHABLE)
    page.context.route("https://www.flickr.com/**", lambda route: route.fulfill(body="Elsewhere"))
    focus(page, page.locator(".canvas-host"))
    page.keyboard.press("ArrowLeft")
    title = page.locator(".hover-card").locator(".attribution a").first
    focus(page, title)
    with page.context.expect_page() as other:
        page.keyboard.press("Enter")
    expect(other.value.get_by_text("Elsewhere")).to_be_visible()
    assert "#/image/" not in page.url
    page.bring_to_front()
    page.keyboard.press("ArrowLeft")
    expect(title).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".hover-card")).to_be_hidden()
    expect(page.locator(".canvas-host")).to_be_focused()


def test_focused_elements_are_not_covered_by_the_header(open_page):
    page = open_page("#/errors", size=(600, 400))
    button = page.locator(".cards.wide figure").first.get_by_role("button").last
    focus(page, page.locator(".cards.wide a.image-link").nth(1))
    button.evaluate("each => scrollBy(0, each.getBoundingClientRect().top - 10)")
    page.keyboard.press("Shift+Tab")
    expect(button).to_be_focused()
    header = page.locator("header").bounding_box()
    assert button.bounding_box()["y"] >= header["height"]
