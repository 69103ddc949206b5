"""The map and the way from photograph to photograph."""

import re

import pytest
from playwright.sync_api import expect

from api_tests.browser.conftest import UNREACHABLE

# A pixel of a point has a colour; letters and ground have none.
COLOURED = """canvas => {
  const ratio = devicePixelRatio;
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  for (let index = 0; index < data.length; index += 4) {
    const [red, green, blue] = data.slice(index, index + 3);
    if (data[index + 3] > 200 && Math.max(red, green, blue) - Math.min(red, green, blue) > 90) {
      return [(index / 4) % width / ratio, Math.floor(index / 4 / width) / ratio];
    }
  }
}"""

# The colour in the middle of the map.
MIDDLE = """canvas => {
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(width / 2, height / 2, 1, 1);
  return `rgb(${data.slice(0, 3).join(", ")})`;
}"""

GROUND = "each => getComputedStyle(each).backgroundColor"

# Whether there is nothing on the map.
BLANK = """() => {
  const canvas = document.querySelector(".map canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.every(each => each === 0);
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


@pytest.fixture
def place_of_a_point():
    """Where some point of the map lies in the window."""

    def find(page):
        canvas = page.locator(".map canvas")
        expect(page.get_by_text("In sight: ")).to_be_visible()
        box = canvas.bounding_box()
        x, y = canvas.evaluate(COLOURED)
        return box["x"] + x, box["y"] + y + 2

    return find


def in_sight(page, number):
    return expect(page.get_by_role("heading", name=re.compile("In sight"))).to_have_text(
        f"In sight: {number} photograph{'' if number == 1 else 's'}"
    )


def test_pointing_shows_photograph_and_maker(opened, odd, place_of_a_point, pictured):
    page = opened(service=odd, refused=UNREACHABLE)
    page.mouse.move(*place_of_a_point(page))
    card = page.locator(".hover-card")
    expect(card).to_contain_text(re.compile(r"Number \d by A. Photographer, CC BY 2.0"))
    expect(card).to_contain_text(re.compile("recognised as|taken for"))
    assert card.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)")
    pictured(page, "pointing")
    page.mouse.move(5, 5)
    expect(card).to_be_hidden()


def test_one_photograph_leads_to_the_next_and_back(opened, api, place_of_a_point):
    page = opened()
    page.mouse.click(*place_of_a_point(page))
    expect(page).to_have_url(re.compile("#/image/"))
    first = page.url.split("#/image/")[1]
    nearest = api.get("/neighbors", params={"id": first}).json()["neighbors"]
    cards = page.locator(".neighbours figure")
    expect(cards).to_have_count(3)
    for card, neighbour in zip(cards.all(), nearest, strict=True):
        expect(card).to_contain_text(f"{neighbour['label']}distance {neighbour['distance']:,.2f}")
    where = page.get_by_role("img", name="The map, with lines from this one to the nearest")
    expect(where).to_be_visible()
    where.click()
    expect(page).to_have_url(re.compile(f"#/image/{first}$"))
    cards.first.get_by_role("link").first.click()
    expect(page).to_have_url(re.compile(f"#/image/{nearest[0]['id']}$"))
    expect(page.get_by_role("heading", level=1)).to_have_text(nearest[0]["id"])
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text(first)
    page.go_back()
    expect(page.locator(".map canvas")).to_be_visible()


def test_filters_choose_and_can_be_shared(opened, points, pictured):
    chosen = [each for each in points if each["label"] in ("lake", "road")]
    wrong = [each for each in chosen if each["predicted"] != each["label"]]
    validation = [each for each in wrong if each["split"] == "validation"]
    page = opened()
    in_sight(page, len(points))
    page.get_by_role("button", name="lake").click()
    page.get_by_role("button", name="road").click()
    in_sight(page, len(chosen))
    page.get_by_label("Only errors").check()
    in_sight(page, len(wrong))
    page.get_by_role("radio", name="Validation").check()
    in_sight(page, len(validation))
    page.reload()
    in_sight(page, len(validation))
    expect(page.get_by_role("button", name="lake")).to_have_attribute("aria-pressed", "true")
    # Who chooses all colours in the system sees what is chosen, too.
    page.emulate_media(forced_colors="active")
    for group in (".classes button", ".choice span"):
        assert len({each.evaluate(GROUND) for each in page.locator(group).all()}) == 2
    pictured(page, "forced-colours")
    page.emulate_media(forced_colors="none")
    for name in ("lake", "road"):
        page.get_by_role("button", name=name).click()
    page.get_by_label("Only errors").uncheck()
    page.get_by_role("radio", name="All").check()
    in_sight(page, len(points))
    assert page.url.endswith("#/map")


def test_where_nothing_fits_all_can_be_shown_again(opened, api, points):
    page = opened("#/experiments")
    flawless = [each | {"predicted": each["label"]} for each in points]
    answer = {"release": api.get("/readyz").json()["release"], "points": flawless}
    page.route("**/tsne?*", lambda route: route.fulfill(json=answer))
    page.get_by_role("link", name="Map").click()
    page.get_by_role("button", name="lake").click()
    # A photograph that goes away under the mouse leaves no ring on the map.
    page.locator(".sight figure").first.hover()
    page.get_by_label("Only errors").focus()
    page.keyboard.press("Space")
    in_sight(page, 0)
    page.wait_for_function(BLANK)
    expect(page.locator("#said")).to_have_text("No photograph fits.")
    page.get_by_role("button", name="Take the filters away").click()
    in_sight(page, len(points))
    expect(page.get_by_role("button", name="lake")).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_label("Only errors")).not_to_be_checked()
    expect(page.locator(".sheet")).to_be_focused()
    assert page.url.endswith("#/map")


def test_classes_differ_without_their_colours(opened):
    page = opened()
    marks = page.locator(".classes .swatch path")
    expect(marks.first).to_be_visible()
    forms = [each.get_attribute("d") for each in marks.all()]
    assert len(set(forms)) == len(forms)
    assert min(page.evaluate(CONTRASTS)) >= 3
    page.emulate_media(color_scheme="dark")
    assert min(page.evaluate(CONTRASTS)) >= 3


def test_the_map_is_sharp_on_another_screen(opened, place_of_a_point):
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


def test_the_wheel_zooms_and_all_can_be_shown_again(opened, records, place_of_a_point):
    page = opened()
    page.mouse.move(*place_of_a_point(page))
    in_sight(page, len(records))
    page.mouse.wheel(0, -1500)
    heading = page.get_by_role("heading", name=re.compile("In sight"))
    expect(heading).not_to_have_text(f"In sight: {len(records)} photographs")
    page.get_by_role("button", name="Show all").click()
    in_sight(page, len(records))


def test_a_second_touch_opens_what_the_first_one_showed(opened, place_of_a_point):
    page = opened(touch=True)
    place = place_of_a_point(page)
    page.touchscreen.tap(*place)
    card = page.locator(".hover-card")
    expect(card).to_contain_text(re.compile("recognised as|taken for"))
    address = card.get_by_role("link").first.get_attribute("href")
    assert "#/image/" not in page.url
    page.touchscreen.tap(*place)
    expect(page).to_have_url(re.compile(re.escape(address) + "$"))


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
    heading = page.get_by_role("heading", name=re.compile("In sight"))
    expect(heading).not_to_have_text(f"In sight: {len(points)} photographs")
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


@pytest.mark.parametrize("service", ["api", "odd"])
def test_who_painted_is_said(request, opened, service):
    page = opened(service=request.getfixturevalue(service), refused=UNREACHABLE)
    expect(page.locator(".sight figure").first).to_be_visible()
    said = page.locator(".sight .credit").all_inner_texts()
    if service == "api":
        expect(page.locator("#banner")).to_be_visible()
        assert set(said) == {"Generated scene"}
    else:
        expect(page.locator("#banner")).to_be_hidden()
        assert all(re.fullmatch(r"Number \d by A. Photographer, CC BY 2.0", each) for each in said)
        link = page.locator(".sight .credit a").first
        assert link.get_attribute("href").startswith("https://www.flickr.com/photos/12345@N01/")


def test_ids_that_are_hard_to_put_into_an_address_work(opened, odd):
    page = opened(service=odd, refused=UNREACHABLE)
    ids = {each["id"] for each in odd.get("/images").json()["images"]}
    # The one cannot be asked for, and `/images/random` is a call of its own.
    for identifier in ids - {"lake/..", "random"}:
        page.evaluate("id => location.hash = '#/image/' + encodeURIComponent(id)", identifier)
        heading = page.get_by_role("heading", level=1)
        expect(heading).to_have_text(re.compile(r"Number \d"))
        image = page.locator(".large img")
        expect(image).to_have_attribute("alt", re.compile("Number"))
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 400
