"""Selection of images: lasso, clicks, keys and check boxes, and the tray."""

import re

import pytest
from playwright.sync_api import expect

from api_tests.browser.conftest import NARROW, WIDE
from api_tests.browser.map_helpers import expect_in_view, point_position

# Ids of the points in the left half of the map.
LEFT_HALF = """async () => {
  const { loadPoints } = await import("/web/js/map/points.js");
  const { projection } = await import("/web/js/map/projection.js");
  const { clientWidth, clientHeight } = document.querySelector(".canvas-host");
  const points = await loadPoints();
  const { toPixels } = projection(points, clientWidth, clientHeight);
  return points.filter(each => toPixels(each)[0] < clientWidth / 2).map(({ id }) => id);
}"""
SELECTED = """async () => {
  const { selectedIds } = await import("/web/js/core/selection.js");
  return selectedIds();
}"""


def tray(page):
    return page.get_by_role("region", name="Selection")


def expect_selected(page, count):
    """Wait until the tray shows a number of images; 0 hides the tray."""
    if count == 0:
        expect(tray(page)).to_be_hidden()
        return
    noun = "image" if count == 1 else "images"
    expect(tray(page)).to_contain_text(f"{count:,} {noun} selected")


def outline(page, share=1.0):
    """Return vertices around the given share of the width of the map, from its left edge."""
    box = page.locator(".map canvas").bounding_box()
    left, top = box["x"] + 1, box["y"] + 1
    right, bottom = box["x"] + box["width"] * share, box["y"] + box["height"] - 2
    if share == 1:
        right -= 2
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def drag(page, vertices):
    page.mouse.move(*vertices[0])
    page.mouse.down()
    for vertex in vertices[1:]:
        page.mouse.move(*vertex, steps=4)
    page.mouse.up()


def test_lasso_selects_the_points_inside(open_page, points, screenshot):
    page = open_page()
    expect_in_view(page, len(points))
    page.get_by_role("button", name="Lasso").click()
    vertices = outline(page, 0.5)
    page.mouse.move(*vertices[0])
    page.mouse.down()
    for vertex in vertices[1:]:
        page.mouse.move(*vertex, steps=4)
    screenshot(page, "lasso")
    page.mouse.up()
    inside = page.evaluate(LEFT_HALF)
    assert 0 < len(inside) < len(points)
    expect_selected(page, len(inside))
    assert sorted(page.evaluate(SELECTED)) == sorted(inside)
    assert page.url.endswith("/") or page.url.endswith("#/map")
    expect_in_view(page, len(points))
    screenshot(page, "selected")


def test_shift_draws_a_lasso_and_alt_removes(open_page, points):
    page = open_page("#/map?label=lake")
    lakes = [each for each in points if each["label"] == "lake"]
    expect_in_view(page, len(lakes))
    page.keyboard.down("Shift")
    drag(page, outline(page))
    expect_selected(page, len(lakes))
    page.keyboard.down("Alt")
    drag(page, outline(page))
    page.keyboard.up("Alt")
    page.keyboard.up("Shift")
    expect_selected(page, 0)
    # Without Shift, a drag pans and a click opens.
    page.mouse.click(*point_position(page))
    expect(page).to_have_url(re.compile("#/image/"))


def test_shift_click_selects_one_image(open_page):
    page = open_page()
    position = point_position(page)
    page.keyboard.down("Shift")
    page.mouse.click(*position)
    expect_selected(page, 1)
    page.mouse.click(*position)
    expect_selected(page, 0)
    page.keyboard.up("Shift")
    assert "#/image/" not in page.url


def test_fingers_draw_the_lasso_and_tap(open_page, points, screenshot):
    page = open_page(touch=True, size=NARROW)
    position = point_position(page)
    page.get_by_role("button", name="Lasso").tap()
    page.touchscreen.tap(*position)
    expect_selected(page, 1)
    fingers = page.context.new_cdp_session(page)

    def touch(kind, *at):
        touched = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(at)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})

    first, *others = outline(page)
    touch("touchStart", first)
    for other in others:
        touch("touchMove", other)
    # A second finger cancels the line.
    touch("touchStart", others[-1], first)
    touch("touchEnd")
    expect_selected(page, 1)
    touch("touchStart", first)
    for other in others:
        touch("touchMove", other)
    touch("touchEnd")
    expect_selected(page, len(points))
    screenshot(page, "selected-390")


def test_keyboard_selects(open_page, points):
    page = open_page("#/map?split=validation")
    validation = [each for each in points if each["split"] == "validation"]
    expect_in_view(page, len(validation))
    page.locator(".canvas-host").focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".hover-card")).to_be_visible()
    page.keyboard.press("Space")
    expect_selected(page, 1)
    expect(page.locator("#announcement")).to_have_text("1 image selected")
    page.keyboard.press("a")
    expect_selected(page, len(validation))
    page.keyboard.press("Escape")
    expect(page.locator(".hover-card")).to_be_hidden()
    page.keyboard.press("Escape")
    expect_selected(page, 0)
    page.keyboard.press("Control+z")
    expect_selected(page, len(validation))
    page.reload()
    expect_selected(page, len(validation))


def test_shortcuts_of_a_character_can_be_switched_off(open_page, points, axe_violations):
    page = open_page()
    expect_in_view(page, len(points))
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard")
    expect(dialog).to_be_visible()
    assert axe_violations(page) == []
    dialog.get_by_label("Shortcuts of a single character").uncheck()
    dialog.get_by_role("button", name="Close").click()
    page.reload()
    expect_in_view(page, len(points))
    page.locator(".canvas-host").focus()
    page.keyboard.press("a")
    page.keyboard.press("?")
    expect(dialog).to_be_hidden()
    expect_selected(page, 0)
    page.get_by_role("button", name="Keyboard").click()
    dialog.get_by_label("Shortcuts of a single character").check()
    page.keyboard.press("Escape")
    page.locator(".canvas-host").focus()
    page.keyboard.press("a")
    expect_selected(page, len(points))


def test_check_boxes_select_a_range_in_all_views(open_page, api):
    errors = [each["id"] for each in api.get("/errors").json()["errors"]]
    page = open_page("#/errors")
    boxes = page.locator(".cards.wide").get_by_role("checkbox")
    boxes.nth(1).check()
    expect_selected(page, 1)
    boxes.nth(3).click(modifiers=["Shift"])
    expect_selected(page, 3)
    assert page.evaluate(SELECTED) == errors[1:4]
    expect(boxes.nth(2)).to_be_checked()
    # The same images are selected in the other views, and a key shows all of them on the map.
    page.goto(f"/#/image/{errors[0]}")
    expect(page.locator(".neighbours figure")).to_have_count(3)
    page.locator(".neighbours").get_by_role("checkbox").first.click()
    selected = page.evaluate(SELECTED)
    assert len(selected) in (2, 4)
    tray(page).get_by_role("button", name="Show on the map").click()
    expect(page).to_have_url(re.compile("#/map$"))
    expect(page.locator(".thumbnails figure").first).to_be_visible()
    expect_selected(page, len(selected))
    tray(page).get_by_role("button", name="Clear").click()
    expect_selected(page, 0)
    expect(page.locator("main")).to_be_focused()
    page.locator("#toast").get_by_role("button", name="Undo").click()
    expect_selected(page, len(selected))


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "light"), (NARROW, "dark")])
def test_tray_covers_nothing_and_is_accessible(
    open_page, api, axe_violations, screenshot, size, scheme
):
    page = open_page("#/errors", size=size, scheme=scheme)
    boxes = page.locator(".cards.wide").get_by_role("checkbox")
    for index in range(3):
        boxes.nth(index).check()
    expect(tray(page).locator("img")).to_have_count(3)
    titles = tray(page).get_by_role("link").all()
    assert all("Generated scene" in each.get_attribute("title") for each in titles)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert axe_violations(page) == []
    screenshot(page, f"tray-{size[0]}-{scheme}")
    link = page.locator("#footer a").last
    link.focus()
    page.keyboard.press("End")
    bottom = link.bounding_box()["y"] + link.bounding_box()["height"]
    assert bottom <= tray(page).bounding_box()["y"]
