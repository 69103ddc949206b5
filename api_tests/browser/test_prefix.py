"""The page under a path prefix that a reverse proxy strips, without any setting."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from api_tests.prefix import below


@pytest.fixture(scope="module")
def gallery(api):
    with below("/gallery", api, strips=True) as client:
        yield client


@pytest.fixture
def prefixed_page(browser, gallery):
    """Open a page; all its requests must succeed, under the prefix."""
    context = browser.new_context(reduced_motion="reduce", viewport={"width": 1440, "height": 900})
    page, problems = context.new_page(), []

    def on_response(response):
        path = urlsplit(response.url).path
        is_data = urlsplit(response.url).scheme in ("blob", "data")
        if not is_data and (response.status >= 400 or not path.startswith("/gallery/")):
            problems.append(response.url)

    page.on("response", on_response)
    page.on("pageerror", lambda error: problems.append(str(error)))
    yield page
    context.close()
    assert problems == []


def test_every_view_works_under_the_prefix(prefixed_page, gallery, records, screenshot):
    page, url = prefixed_page, str(gallery.base_url)
    page.goto(url)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator(".canvas-host canvas").first).to_be_visible()
    screenshot(page, "prefix-map")
    page.goto(f"{url}#/image/{records[0]['id']}")
    image = page.locator("figure.large img")
    expect(image).to_be_visible()
    assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    screenshot(page, "prefix-image")
    page.get_by_role("link", name="Errors").click()
    page.get_by_role("button", name="Heat map").first.click()
    heatmap = page.get_by_role("img", name="Heat map over").first
    assert heatmap.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    page.get_by_role("link", name="Experiments").click()
    expect(page.get_by_role("table").first).to_be_visible()


def test_upload_works_under_the_prefix(prefixed_page, gallery, a_jpeg):
    page = prefixed_page
    page.goto(str(gallery.base_url))
    page.set_input_files(
        "#file", files=[{"name": "own.jpg", "mimeType": "image/jpeg", "buffer": a_jpeg}]
    )
    expect(page.get_by_role("img", name="Your image", exact=True)).to_be_visible()
    expect(page.locator("figure.card, figure").nth(1)).to_be_visible()


def test_api_reference_works_under_the_prefix(prefixed_page, gallery):
    page = prefixed_page
    page.goto(str(gallery.base_url))
    page.get_by_role("link", name="API reference").click()
    expect(page.get_by_role("heading", level=1).first).to_be_visible()
    operation = page.locator(".opblock", has_text="/readyz").first
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table")).to_contain_text("release")
