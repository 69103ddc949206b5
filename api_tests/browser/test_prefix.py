"""The page below a path, behind a reverse proxy that strips it, without any setting."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from api_tests.prefix import below


@pytest.fixture(scope="module")
def gallery(api):
    with below("/gallery", api, strips=True) as client:
        yield client


@pytest.fixture
def shown(browser, gallery):
    """A page below the path, and what it asked for in vain or beside the path."""
    context = browser.new_context(reduced_motion="reduce", viewport={"width": 1440, "height": 900})
    page, astray = context.new_page(), []

    def on_response(response):
        path = urlsplit(response.url).path
        is_data = urlsplit(response.url).scheme in ("blob", "data")
        if not is_data and (response.status >= 400 or not path.startswith("/gallery/")):
            astray.append(response.url)

    page.on("response", on_response)
    page.on("pageerror", lambda error: astray.append(str(error)))
    yield page
    context.close()
    assert astray == []


def test_every_view_is_shown_below_the_path(shown, gallery, records, pictured):
    page, address = shown, str(gallery.base_url)
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator(".sheet canvas").first).to_be_visible()
    pictured(page, "prefix-map")
    page.goto(f"{address}#/image/{records[0]['id']}")
    image = page.locator("figure.large img")
    expect(image).to_be_visible()
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    pictured(page, "prefix-image")
    page.get_by_role("link", name="Errors").click()
    page.get_by_role("button", name="Heat map").first.click()
    heated = page.get_by_role("img", name="Heat map over").first
    assert heated.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    page.get_by_role("link", name="Experiments").click()
    expect(page.get_by_role("table").first).to_be_visible()


def test_a_photograph_of_ones_own_goes_up(shown, gallery, a_jpeg):
    page = shown
    page.goto(str(gallery.base_url))
    page.set_input_files(
        "#file", files=[{"name": "own.jpg", "mimeType": "image/jpeg", "buffer": a_jpeg}]
    )
    expect(page.get_by_role("img", name="Your photograph")).to_be_visible()
    expect(page.locator("figure.card, figure").nth(1)).to_be_visible()


def test_the_description_and_its_examples_are_found(shown, gallery):
    page = shown
    page.goto(str(gallery.base_url))
    page.get_by_role("link", name="Every call of the service").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.get_by_role("link", name="The answer to this example").first.click()
    expect(page.locator("body")).to_contain_text("release")
