"""Uploads and their error messages."""

import pytest
from playwright.sync_api import expect

from api_tests.browser.fake_api import advance_clock, fake_response
from api_tests.browser.uploads import choose, data_transfer, drop, paste
from service.settings import ServiceSettings

# Announcements are soon replaced by others, such as that a section is loading.
LISTEN = """() => {
  const region = document.getElementById("announcement");
  window.heard = [];
  new MutationObserver(() => heard.push(region.textContent)).observe(region, { childList: true });
}"""
HEARD = "pattern => heard.some(each => each.match(pattern))"


@pytest.fixture
def open_loaded(open_page):
    """Open a page and wait until it accepts uploads."""

    def open_(**options):
        page = open_page("#/experiments", **options)
        expect(page.get_by_role("heading", level=1)).to_contain_text("experiment")
        return page

    return open_


@pytest.mark.parametrize("upload", [drop, paste, choose])
def test_upload_shows_prediction_neighbours_and_position(
    open_loaded, api, a_jpeg, screenshot, upload
):
    response = api.post("/predict", content=a_jpeg).json()
    nearest = api.post("/neighbors", content=a_jpeg).json()["neighbors"]
    page = open_loaded()
    methods = []
    page.on("request", lambda request: methods.append(request.method))
    page.evaluate(LISTEN)
    upload(page, a_jpeg)
    expect(page.get_by_role("heading", level=1)).to_have_text("Your image")
    panel = page.locator(".prediction")
    expect(panel.locator(".label")).to_have_text(response["label"])
    share = response["probabilities"][response["label"]]
    first = response["label"] + (">99%" if 0.995 < share < 1 else f"{share:.0%}")
    shown = panel.locator(".bars div").first.inner_text()
    assert "".join(shown.split()) == first
    for label in response["set"]:
        expect(panel).to_contain_text(label)
    expect(panel).to_contain_text(
        "Closer to the training images" if response["typicality"] > 0.05 else "Unlike"
    )
    names = page.locator(".neighbours a.image-link")
    expect(names).to_have_count(len(nearest))
    assert [each.get_attribute("href") for each in names.all()] == [
        f"#/image/{each['id']}" for each in nearest
    ]
    expect(page.locator(".minimap canvas")).to_be_visible()
    page.wait_for_function(HEARD, arg=f"^Your image\\. {response['label']}, .+%$")
    names.first.click()
    expect(page.locator(".prediction .correct, .prediction .incorrect").first).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your image")
    assert methods.count("POST") == 3
    if upload is drop:
        screenshot(page, "dropped")


def test_drag_over_the_page_shows_an_overlay(open_loaded, a_jpeg):
    page = open_loaded()
    page.dispatch_event("body", "dragover", {"dataTransfer": data_transfer(page, a_jpeg)})
    expect(page.get_by_text("Drop the image")).to_be_visible()
    page.dispatch_event("body", "dragleave", {})
    expect(page.get_by_text("Drop the image")).to_be_hidden()


def test_files_can_be_dropped_on_a_filter_and_text_on_the_key_input(open_page, a_jpeg):
    page = open_page()
    expect(page.locator(".thumbnails figure").first).to_be_visible()
    refused = """transfer => !document.querySelector("#api-key input").dispatchEvent(
      new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true })
    )"""
    assert page.evaluate(refused, data_transfer(page)) is False
    radio = page.get_by_role("radio", name="Training")
    radio.dispatch_event("drop", {"dataTransfer": data_transfer(page, a_jpeg)})
    expect(page.get_by_role("heading", level=1)).to_have_text("Your image")


def test_unsupported_files_are_reported(open_loaded, a_jpeg, axe_violations, screenshot):
    page = open_loaded()
    drop(page)
    expect(page.locator("#toast")).to_contain_text("contains no file")
    paste(page)
    expect(page.locator("#toast")).to_contain_text("The clipboard contains no image")
    drop(page, b"")
    expect(page.get_by_role("alert")).to_contain_text("The file is empty. Choose another file.")
    drop(page, b"no image at all")
    expect(page.get_by_role("heading", level=1)).to_have_text("This file is not a supported image")
    expect(page.get_by_role("alert")).to_contain_text("send a JPEG, PNG or WebP file")
    assert axe_violations(page) == []
    screenshot(page, "not-an-image")
    drop(page, a_jpeg, b"another")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your image")
    expect(page.locator("#toast")).to_contain_text("the first of 2 files")


def test_upload_is_not_retried_automatically_after_an_outage(open_loaded, a_jpeg):
    page = open_loaded()
    page.clock.install()
    outage = {"status": 503, "json": {"detail": "No release is served."}}
    requests = [fake_response(page, f"**/{path}", **outage) for path in ("predict", "readyz")]
    drop(page, a_jpeg)
    title = page.get_by_role("heading", level=1)
    expect(title).to_have_text("The service is not ready")
    page.unroute("**/readyz")
    for _ in range(100):
        page.clock.run_for(1000)
    assert [len(each) for each in requests] == [1, 0]
    page.unroute("**/predict")
    page.get_by_role("button", name="Try again").click()
    expect(title).to_have_text("Your image")


def test_failed_section_can_be_retried_alone(open_loaded, api, a_jpeg):
    page = open_loaded()
    page.route("**/tsne", lambda route: route.fulfill(status=500, json={"detail": "It failed."}))
    drop(page, a_jpeg)
    label = api.post("/predict", content=a_jpeg).json()["label"]
    expect(page.locator(".prediction .label")).to_have_text(label)
    expect(page.locator(".neighbours figure")).to_have_count(3)
    expect(page.get_by_role("alert")).to_have_text("It failed.")
    page.unroute("**/tsne")
    page.locator(".minimap").get_by_role("button", name="Try again").press("Enter")
    expect(page.locator(".minimap canvas")).to_be_visible()
    expect(page.locator(".minimap")).to_be_focused()


def test_too_large_files_are_reported(open_loaded, serving, home, a_jpeg):
    with serving(ServiceSettings(home=home, upload_limit=len(a_jpeg))) as service:
        page = open_loaded(service=service)
        title = page.get_by_role("heading", level=1)
        drop(page, a_jpeg + b"0")
        expect(title).to_have_text("This image is too large")
        expect(page.get_by_text("send a smaller")).to_be_visible()
        drop(page, a_jpeg)
        expect(title).to_have_text("Your image")
        # The service rejects this body before its end, which looks like a lost connection.
        drop(page, a_jpeg + b"0" * 3_000_000)
        expect(page.get_by_role("alert")).to_contain_text("send a smaller")


def test_busy_service_is_retried_a_few_times(open_loaded, a_jpeg):
    page = open_loaded()
    page.clock.install()
    problem = {"detail": "As many images are waiting as may; try again in 2 seconds."}
    busy = {"status": 429, "json": problem, "headers": {"Retry-After": "2"}}
    requests = fake_response(page, "**/predict", **busy)
    drop(page, a_jpeg)
    expect(page.locator(".loading")).to_contain_text("Retrying")
    advance_clock(page, lambda: len(requests) == 4)
    title = page.get_by_role("heading", level=1)
    expect(title).to_have_text("The service is busy")
    expect(page.get_by_text("try again in 2 seconds")).to_be_visible()
    assert len(requests) == 4
    page.unroute("**/predict")
    page.get_by_role("button", name="Try again").click()
    expect(title).to_have_text("Your image")
