"""The map and the way from photograph to photograph."""

import re

import pytest
from playwright.sync_api import expect

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
    page = opened(service=odd)
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
    expect(page.locator(".locator canvas")).to_be_visible()
    cards.first.get_by_role("link").first.click()
    expect(page).to_have_url(re.compile(f"#/image/{nearest[0]['id']}$"))
    expect(page.get_by_role("heading", level=1)).to_have_text(nearest[0]["id"])
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text(first)
    page.go_back()
    expect(page.locator(".map canvas")).to_be_visible()


def test_filters_choose_and_can_be_shared(opened, api):
    points = api.get("/tsne", params={"n": 10**6}).json()["points"]
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
    for name in ("lake", "road"):
        page.get_by_role("button", name=name).click()
    page.get_by_label("Only errors").uncheck()
    page.get_by_role("radio", name="All").check()
    in_sight(page, len(points))
    assert page.url.endswith("#/map")


def test_the_wheel_zooms_and_all_can_be_shown_again(opened, records, place_of_a_point):
    page = opened()
    page.mouse.move(*place_of_a_point(page))
    in_sight(page, len(records))
    page.mouse.wheel(0, -1500)
    heading = page.get_by_role("heading", name=re.compile("In sight"))
    expect(heading).not_to_have_text(f"In sight: {len(records)} photographs")
    page.get_by_role("button", name="Show all").click()
    in_sight(page, len(records))


def test_the_keyboard_alone_leads_everywhere(opened):
    page = opened()
    expect(page.locator(".map canvas")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="To the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator(".sheet")).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".hover-card img")).to_be_visible()
    before = page.locator(".hover-card img").get_attribute("src")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("+")
    expect(page.locator(".hover-card img")).not_to_have_attribute("src", before)
    expect(page.get_by_role("status")).not_to_be_empty()
    page.keyboard.press("Enter")
    expect(page.locator(".neighbours figure")).to_have_count(3)
    expect(page.locator("main")).to_be_focused()
    first = page.url
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page).not_to_have_url(first)
    expect(page.locator(".neighbours figure")).to_have_count(3)


@pytest.mark.parametrize("service", ["api", "odd"])
def test_who_painted_is_said(request, opened, service):
    page = opened(service=request.getfixturevalue(service))
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
    page = opened(service=odd)
    ids = {each["id"] for each in odd.get("/images").json()["images"]}
    # No browser asks for a path with two dots in it, and `/images/random` is a call of its own.
    for identifier in ids - {"lake/..", "random"}:
        page.evaluate("id => location.hash = '#/image/' + encodeURIComponent(id)", identifier)
        heading = page.get_by_role("heading", level=1)
        expect(heading).to_have_text(re.compile(r"Number \d"))
        image = page.locator(".large img")
        expect(image).to_have_attribute("alt", re.compile("Number"))
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 400
