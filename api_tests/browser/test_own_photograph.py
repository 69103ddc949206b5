"""A photograph of one's own, however it comes, and what is said where it cannot be read."""

import base64

import pytest
from playwright.sync_api import expect

from service.settings import ServiceSettings

TRANSFER = """([data, name, type]) => {
  const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type }));
  return transfer;
}"""
PASTE = """transfer => document.body.dispatchEvent(
  new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true })
)"""


def transferred(page, data, name="mine.jpg", kind="image/jpeg"):
    return page.evaluate_handle(TRANSFER, [base64.b64encode(data).decode(), name, kind])


def drop(page, data):
    page.dispatch_event("body", "drop", {"dataTransfer": transferred(page, data)})


def paste(page, data):
    page.evaluate(PASTE, transferred(page, data))


def choose(page, data):
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Try a photograph").click()
    chooser.value.set_files({"name": "mine.jpg", "mimeType": "image/jpeg", "buffer": data})


@pytest.fixture
def own(opened):
    """A page that is ready to take a photograph."""

    def open_page(**given):
        page = opened("#/experiments", **given)
        expect(page.get_by_role("heading", level=1)).to_contain_text("experiment")
        return page

    return open_page


@pytest.mark.parametrize("give", [drop, paste, choose])
def test_it_is_recognised_and_placed(own, api, a_jpeg, pictured, give):
    answer = api.post("/predict", content=a_jpeg).json()
    nearest = api.post("/neighbors", content=a_jpeg).json()["neighbors"]
    page = own()
    give(page, a_jpeg)
    expect(page.get_by_role("heading", level=1)).to_have_text("Your photograph")
    verdict = page.locator(".verdict")
    expect(verdict.locator(".answer")).to_have_text(answer["label"])
    first = f"{answer['label']}{answer['probabilities'][answer['label']]:.0%}"
    shown = verdict.locator(".bars div").first.inner_text()
    assert "".join(shown.split()) == first
    for label in answer["set"]:
        expect(verdict).to_contain_text(label)
    expect(verdict).to_contain_text("those learned from" if answer["typical"] > 0.05 else "unlike")
    names = page.locator(".neighbours a.picture")
    assert [each.get_attribute("href") for each in names.all()] == [
        f"#/image/{each['id']}" for each in nearest
    ]
    expect(page.locator(".locator canvas")).to_be_visible()
    if give is drop:
        pictured(page, "dropped")


def test_what_is_dragged_over_the_page_is_asked_for(own, a_jpeg):
    page = own()
    page.dispatch_event("body", "dragover", {"dataTransfer": transferred(page, a_jpeg)})
    expect(page.get_by_text("Drop the photograph")).to_be_visible()
    page.dispatch_event("body", "dragleave", {})
    expect(page.get_by_text("Drop the photograph")).to_be_hidden()


def test_no_image_is_told_so_and_another_can_be_chosen(own, a_jpeg, pictured):
    page = own()
    drop(page, b"no image at all")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no photograph in this file")
    expect(page.get_by_text("send a JPEG, PNG or WebP file")).to_be_visible()
    pictured(page, "not-an-image")
    drop(page, a_jpeg)
    expect(page.get_by_role("heading", level=1)).to_have_text("Your photograph")


def test_what_is_too_large_is_told_so(own, serving, home, a_jpeg):
    with serving(ServiceSettings(home=home, upload_limit=len(a_jpeg))) as service:
        page = own(service=service)
        for excess in (1, 3_000_000):
            drop(page, a_jpeg + b"0" * excess)
            title = page.get_by_role("heading", level=1)
            expect(title).to_have_text("This photograph is too large")
            expect(page.get_by_text("send a smaller")).to_be_visible()
            drop(page, a_jpeg)
            expect(title).to_have_text("Your photograph")


def test_a_busy_service_is_asked_again_for_a_while(own, a_jpeg):
    page = own()
    page.clock.install()
    came = []

    def turn_away(route):
        came.append(route.request.url)
        problem = {"detail": "As many images are waiting as may; try again in 2 seconds."}
        route.fulfill(status=429, json=problem, headers={"Retry-After": "2"})

    page.route("**/predict", turn_away)
    drop(page, a_jpeg)
    for _ in range(3):
        page.wait_for_timeout(50)
        page.clock.run_for(2000)
    title = page.get_by_role("heading", level=1)
    expect(title).to_have_text("The service is busy")
    expect(page.get_by_text("try again in 2 seconds")).to_be_visible()
    assert len(came) == 4
    page.unroute("**/predict")
    page.get_by_role("button", name="Try again").click()
    expect(title).to_have_text("Your photograph")
