"""How the map is drawn, and which part of it."""

import re

from playwright.sync_api import expect

from api_tests.browser.on_map import heading, in_sight, place_of_a_point

# The colour in the middle of the map.
MIDDLE = """canvas => {
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(width / 2, height / 2, 1, 1);
  return `rgb(${data.slice(0, 3).join(", ")})`;
}"""

# How far class colours stand out from the grounds that they are seen on (WCAG 2.2, 1.4.11).
CONTRASTS = """() => {
  const style = getComputedStyle(document.documentElement);
  const luminance = name => {
    const digits = style.getPropertyValue(name).trim().slice(1);
    const [red, green, blue] = (digits.length < 6 ? [...digits].map(each => each + each) :
      digits.match(/../g)).map(each => parseInt(each, 16) / 255)
      .map(each => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
  };
  return ["--ground", "--raised"].flatMap(ground => [0, 1, 2, 3, 4, 5, 6].map(index => {
    const pair = [luminance(ground), luminance(`--class-${index}`)];
    return Math.max(...pair) / Math.min(...pair);
  }));
}"""


def test_classes_differ_without_their_colours(opened):
    page = opened()
    marks = page.locator(".classes .swatch path")
    expect(marks.first).to_be_visible()
    forms = [each.get_attribute("d") for each in marks.all()]
    assert len(set(forms)) == len(forms)
    assert min(page.evaluate(CONTRASTS)) >= 3
    page.emulate_media(color_scheme="dark")
    assert min(page.evaluate(CONTRASTS)) >= 3


def test_the_map_is_sharp_on_another_screen(opened):
    page = opened()
    place_of_a_point(page)
    canvas = page.locator(".map canvas")
    width = canvas.evaluate("canvas => canvas.clientWidth")
    expect(canvas).to_have_js_property("width", width)
    screen = {"width": 1440, "height": 900, "deviceScaleFactor": 2, "mobile": False}
    page.context.new_cdp_session(page).send("Emulation.setDeviceMetricsOverride", screen)
    # Chromium looks at its emulated screen only when something else changes as well.
    page.emulate_media(color_scheme="dark")
    expect(canvas).to_have_js_property("width", 2 * width)
    place_of_a_point(page)


def test_the_wheel_zooms_and_all_can_be_shown_again(opened, records):
    page = opened()
    page.mouse.move(*place_of_a_point(page))
    in_sight(page, len(records))
    page.mouse.wheel(0, -1500)
    expect(heading(page)).not_to_have_text(f"In sight: {len(records)} photographs")
    page.get_by_role("button", name="Show all").click()
    in_sight(page, len(records))


def test_two_fingers_on_a_trackpad_zoom_as_far_as_they_spread(opened, records):
    page = opened()
    page.mouse.move(*place_of_a_point(page))
    # As browsers tell of it; a wheel that turns as far zooms by a quarter alone.
    page.keyboard.down("Control")
    page.mouse.wheel(0, -150)
    page.keyboard.up("Control")
    fewer = re.compile(rf"In sight: ({'|'.join(map(str, range(len(records) // 2)))}) ")
    expect(heading(page)).to_have_text(fewer)


def test_a_click_with_an_unsteady_hand_opens(opened):
    page = opened()
    x, y = place_of_a_point(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 2, y + 1)
    page.mouse.up()
    expect(page).to_have_url(re.compile("#/image/"))


def test_the_part_shown_stays_whatever_becomes_of_the_window(opened, points):
    page = opened()
    in_sight(page, len(points))
    page.locator(".sheet").focus()
    page.keyboard.press("ArrowLeft")
    link = page.locator(".hover-card a").first
    expect(link).to_be_visible()
    address = link.get_attribute("href")
    near = page.locator(f".sight a[href='{address}']")
    for _ in range(9):
        page.keyboard.press("+")
    expect(heading(page)).not_to_have_text(f"In sight: {len(points)} photographs")
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
    in_sight(page, len(points))


def test_errors_lie_on_top(opened, api):
    page = opened("#/experiments")
    expect(page.locator("table.experiments")).to_be_visible()

    def point(place, label, predicted):
        about = {"id": "x", "label": label, "predicted": predicted, "split": "train"}
        return about | {"x": place, "y": place}

    # More than are painted in one frame; only the first and the last one lie in the middle.
    middle = point(0, "lake", "road"), point(0, "road", "road")
    aside = [point(-1, "lake", "lake")] * 2 + [point(1, "road", "road")] * 6000
    answer = {
        "release": api.get("/readyz").json()["release"],
        "points": [middle[0], *aside, middle[1]],
    }
    page.route("**/tsne?*", lambda route: route.fulfill(json=answer))
    page.route("**/images?*", lambda route: route.abort())
    page.get_by_role("link", name="Map").click()
    in_sight(page, "6,004")
    fill = "each => getComputedStyle(each).fill"
    lake = page.get_by_role("button", name="lake").locator("path").evaluate(fill)
    assert page.locator(".map canvas").evaluate(MIDDLE) == lake
