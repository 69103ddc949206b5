"""A photograph of one's own, however it comes, and what is said where it cannot be read."""

import pytest
from playwright.sync_api import expect

from api_tests.browser.giving import choose, drop, paste, transferred
from api_tests.browser.standing_in import pass_time, stand_in
from service.settings import ServiceSettings

# What is said is soon followed by something else, such as that a part is still loading.
LISTEN = """() => {
  const said = document.getElementById("said");
  window.heard = [];
  new MutationObserver(() => heard.push(said.textContent)).observe(said, { childList: true });
}"""
HEARD = "pattern => heard.some(each => each.match(pattern))"


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
    sent = []
    page.on("request", lambda request: sent.append(request.method))
    page.evaluate(LISTEN)
    give(page, a_jpeg)
    expect(page.get_by_role("heading", level=1)).to_have_text("Your photograph")
    verdict = page.locator(".verdict")
    expect(verdict.locator(".answer")).to_have_text(answer["label"])
    share = answer["probabilities"][answer["label"]]
    first = answer["label"] + (">99%" if 0.995 < share < 1 else f"{share:.0%}")
    shown = verdict.locator(".bars div").first.inner_text()
    assert "".join(shown.split()) == first
    for label in answer["set"]:
        expect(verdict).to_contain_text(label)
    expect(verdict).to_contain_text(
        "Nearer to what was learned" if answer["typicality"] > 0.05 else "unlike"
    )
    names = page.locator(".neighbours a.picture")
    expect(names).to_have_count(len(nearest))
    assert [each.get_attribute("href") for each in names.all()] == [
        f"#/image/{each['id']}" for each in nearest
    ]
    expect(page.locator(".locator canvas")).to_be_visible()
    page.wait_for_function(HEARD, arg=f"^Your photograph\\. {answer['label']}, .+%$")
    names.first.click()
    expect(page.locator(".verdict .right, .verdict .wrong").first).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your photograph")
    assert sent.count("POST") == 3
    if give is drop:
        pictured(page, "dropped")


def test_what_is_dragged_over_the_page_is_asked_for(own, a_jpeg):
    page = own()
    page.dispatch_event("body", "dragover", {"dataTransfer": transferred(page, a_jpeg)})
    expect(page.get_by_text("Drop the photograph")).to_be_visible()
    page.dispatch_event("body", "dragleave", {})
    expect(page.get_by_text("Drop the photograph")).to_be_hidden()


def test_it_may_fall_onto_a_filter_and_text_into_the_field_of_the_key(opened, a_jpeg):
    page = opened()
    expect(page.locator(".sight figure").first).to_be_visible()
    refused = """transfer => !document.querySelector("#key input").dispatchEvent(
      new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true })
    )"""
    assert page.evaluate(refused, transferred(page)) is False
    radio = page.get_by_role("radio", name="Training")
    radio.dispatch_event("drop", {"dataTransfer": transferred(page, a_jpeg)})
    expect(page.get_by_role("heading", level=1)).to_have_text("Your photograph")


def test_no_image_is_told_so_and_another_can_be_chosen(own, a_jpeg, breaches, pictured):
    page = own()
    drop(page)
    expect(page.locator("#remark")).to_contain_text("There was no file in it")
    paste(page)
    expect(page.locator("#remark")).to_contain_text("There was no photograph to paste")
    drop(page, b"")
    expect(page.get_by_role("alert")).to_contain_text("The file is empty; choose another")
    drop(page, b"no image at all")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no photograph in this file")
    expect(page.get_by_role("alert")).to_contain_text("send a JPEG, PNG or WebP file")
    assert breaches(page) == []
    pictured(page, "not-an-image")
    drop(page, a_jpeg, b"another")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your photograph")
    expect(page.locator("#remark")).to_contain_text("the first of 2 files")


def test_what_breaks_the_service_is_not_sent_again_by_itself(own, a_jpeg):
    page = own()
    page.clock.install()
    outage = {"status": 503, "json": {"detail": "No release is served."}}
    asked = [stand_in(page, f"**/{path}", **outage) for path in ("predict", "readyz")]
    drop(page, a_jpeg)
    title = page.get_by_role("heading", level=1)
    expect(title).to_have_text("The service is not ready")
    page.unroute("**/readyz")
    for _ in range(100):
        page.clock.run_for(1000)
    assert [len(each) for each in asked] == [1, 0]
    page.unroute("**/predict")
    page.get_by_role("button", name="Try again").click()
    expect(title).to_have_text("Your photograph")


def test_what_comes_later_fails_and_comes_back_by_itself_alone(own, api, a_jpeg):
    page = own()
    page.route("**/tsne", lambda route: route.fulfill(status=500, json={"detail": "It failed."}))
    drop(page, a_jpeg)
    label = api.post("/predict", content=a_jpeg).json()["label"]
    expect(page.locator(".verdict .answer")).to_have_text(label)
    expect(page.locator(".neighbours figure")).to_have_count(3)
    expect(page.get_by_role("alert")).to_have_text("It failed.")
    page.unroute("**/tsne")
    page.locator(".locator").get_by_role("button", name="Try again").press("Enter")
    expect(page.locator(".locator canvas")).to_be_visible()
    expect(page.locator(".locator")).to_be_focused()


def test_what_is_too_large_is_told_so(own, serving, home, a_jpeg):
    with serving(ServiceSettings(home=home, upload_limit=len(a_jpeg))) as service:
        page = own(service=service)
        title = page.get_by_role("heading", level=1)
        drop(page, a_jpeg + b"0")
        expect(title).to_have_text("This photograph is too large")
        expect(page.get_by_text("send a smaller")).to_be_visible()
        drop(page, a_jpeg)
        expect(title).to_have_text("Your photograph")
        # So much is refused before it has come, which looks like a lost connection from outside.
        drop(page, a_jpeg + b"0" * 3_000_000)
        expect(page.get_by_role("alert")).to_contain_text("send a smaller")


def test_a_busy_service_is_asked_again_for_a_while(own, a_jpeg):
    page = own()
    page.clock.install()
    problem = {"detail": "As many images are waiting as may; try again in 2 seconds."}
    busy = {"status": 429, "json": problem, "headers": {"Retry-After": "2"}}
    came = stand_in(page, "**/predict", **busy)
    drop(page, a_jpeg)
    expect(page.locator(".loading")).to_contain_text("asking again")
    pass_time(page, lambda: len(came) == 4)
    title = page.get_by_role("heading", level=1)
    expect(title).to_have_text("The service is busy")
    expect(page.get_by_text("try again in 2 seconds")).to_be_visible()
    assert len(came) == 4
    page.unroute("**/predict")
    page.get_by_role("button", name="Try again").click()
    expect(title).to_have_text("Your photograph")
