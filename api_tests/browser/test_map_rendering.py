"""Rendering of the map, zooming and panning."""

import re

from playwright.sync_api import expect

from api_tests.browser.map_helpers import expect_in_view, heading, point_position

# Colour at the centre of the map.
CENTRE_COLOUR = """canvas => {
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(width / 2, height / 2, 1, 1);
  return `rgb(${data.slice(0, 3).join(", ")})`;
}"""

# Contrast of the class colours against their backgrounds (WCAG 2.2, 1.4.11).
CONTRASTS = """() => {
  const style = getComputedStyle(document.documentElement);
  const luminance = name => {
    const digits = style.getPropertyValue(name).trim().slice(1);
    const [red, green, blue] = (digits.length < 6 ? [...digits].map(each => each + each) :
      digits.match(/../g)).map(each => parseInt(each, 16) / 255)
      .map(each => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
  };
  return ["--background", "--surface"].flatMap(background => [0, 1, 2, 3, 4, 5, 6].map(index => {
    const pair = [luminance(background), luminance(`--class-${index}`)];
    return Math.max(...pair) / Math.min(...pair);
  }));
}"""


def test_classes_have_different_symbols(open_page):
    page = open_page()
    symbols = page.locator(".classes").first.locator(".symbol path")
    expect(symbols.first).to_be_visible()
    outlines = [each.get_attribute("d") for each in symbols.all()]
    assert len(set(outlines)) == len(outlines)
    assert min(page.evaluate(CONTRASTS)) >= 3
    page.emulate_media(color_scheme="dark")
    assert min(page.evaluate(CONTRASTS)) >= 3


def test_map_is_redrawn_for_another_pixel_ratio(open_page):
    page = open_page()
    point_position(page)
    canvas = page.locator(".map canvas")
    width = canvas.evaluate("canvas => canvas.clientWidth")
    expect(canvas).to_have_js_property("width", width)
    screen = {"width": 1440, "height": 900, "deviceScaleFactor": 2, "mobile": False}
    page.context.new_cdp_session(page).send("Emulation.setDeviceMetricsOverride", screen)
    # Chromium applies the emulated metrics only with another change.
    page.emulate_media(color_scheme="dark")
    expect(canvas).to_have_js_property("width", 2 * width)
    point_position(page)


def test_wheel_zooms_and_button_resets(open_page, records):
    page = open_page()
    page.mouse.move(*point_position(page))
    expect_in_view(page, len(records))
    page.mouse.wheel(0, -1500)
    expect(heading(page)).not_to_have_text(f"In view: {len(records)} images")
    page.get_by_role("button", name="Show all").click()
    expect_in_view(page, len(records))


def test_pinch_on_trackpad_zooms_more_than_wheel(open_page, records):
    page = open_page()
    page.mouse.move(*point_position(page))
    # Browsers report a pinch as a wheel event with Ctrl; the same wheel event zooms by a quarter.
    page.keyboard.down("Control")
    page.mouse.wheel(0, -150)
    page.keyboard.up("Control")
    fewer = re.compile(rf"In view: ({'|'.join(map(str, range(len(records) // 2)))}) ")
    expect(heading(page)).to_have_text(fewer)


def test_click_with_small_movement_opens(open_page):
    page = open_page()
    x, y = point_position(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 2, y + 1)
    page.mouse.up()
    expect(page).to_have_url(re.compile("#/image/"))


def test_visible_region_is_kept_when_the_window_changes(open_page, points):
    page = open_page()
    expect_in_view(page, len(points))
    page.locator(".canvas-host").focus()
    page.keyboard.press("ArrowLeft")
    link = page.locator(".hover-card a").first
    expect(link).to_be_visible()
    href = link.get_attribute("href")
    near = page.locator(f".thumbnails a[href='{href}']")
    for _ in range(9):
        page.keyboard.press("+")
    expect(heading(page)).not_to_have_text(f"In view: {len(points)} images")
    expect(near).to_be_visible()
    page.set_viewport_size({"width": 800, "height": 1100})
    expect(near).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(".neighbours figure")).to_have_count(3)
    page.set_viewport_size({"width": 1200, "height": 700})
    page.go_back()
    expect(near).to_be_visible()
    # Another release has another map.
    page.evaluate("dispatchEvent(new Event('release'))")
    expect_in_view(page, len(points))


def test_misclassified_points_are_drawn_on_top(open_page, api):
    page = open_page("#/experiments")
    expect(page.locator("table.experiments")).to_be_visible()

    def point(position, label, predicted):
        image = {
            "id": "x",
            "label": label,
            "predicted": predicted,
            "split": "train",
            "learned": True,
        }
        return image | {"x": position, "y": position}

    # More points than are drawn in one frame; only the first and the last are at the centre.
    centre = point(0, "lake", "road"), point(0, "road", "road")
    aside = [point(-1, "lake", "lake")] * 2 + [point(1, "road", "road")] * 6000
    response = {
        "release": api.get("/readyz").json()["release"],
        "points": [centre[0], *aside, centre[1]],
    }
    page.route("**/tsne?*", lambda route: route.fulfill(json=response))
    page.route("**/images?*", lambda route: route.abort())
    page.get_by_role("link", name="Map").click()
    expect_in_view(page, "6,004")
    fill = "each => getComputedStyle(each).fill"
    lake = page.get_by_role("button", name="lake").locator("path").evaluate(fill)
    assert page.locator(".map canvas").evaluate(CENTRE_COLOUR) == lake
