"""The API documentation; the fixture reports violations of the content security policy."""

import json

from playwright.sync_api import Locator, Page, expect


def test_it_lists_every_call(open_page, api):
    page = open_page("docs")
    expect(page.get_by_role("heading", name="Belvedere")).to_be_visible()
    described = api.get("/openapi.json").json()["paths"]
    calls = [(path, method) for path, methods in described.items() for method in methods]
    expect(page.locator(".opblock")).to_have_count(len(calls))
    for path, method in calls:
        block = page.locator(f".opblock-{method}", has=page.locator(f"[data-path='{path}']"))
        expect(block).to_have_count(1)


def test_it_sends_a_request_with_the_example(open_page, api):
    page = open_page("docs")
    block = page.locator("#operations-prediction-predict_stored")
    block.get_by_role("button").first.click()
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    body = block.locator(".live-responses-table .response-col_description code").first
    expect(body).to_contain_text('"probabilities"')
    parameters = api.get("/openapi.json").json()["paths"]["/predict"]["get"]["parameters"]
    examples = {each["name"]: each["example"] for each in parameters if "example" in each}
    expected = api.get("/predict", params=examples).json()
    assert json.loads(body.inner_text()) == expected


_TWO_FRAMES = """() => new Promise((done) => {
  requestAnimationFrame(() => requestAnimationFrame(done));
})"""


def show_schema(page: Page, entry: Locator) -> None:
    """Scroll the list of schemas to an entry: a long list has those in view only."""
    for share in range(0, 100, 4):
        page.locator(".models-scroll").evaluate(
            "(list, share) => { list.scrollTop = (list.scrollHeight * share) / 100; }", share
        )
        page.evaluate(_TWO_FRAMES)
        if entry.count():
            return


def test_it_asks_for_the_key_and_shows_schemas(open_page):
    page = open_page("docs")
    page.get_by_role("button", name="Authorize").first.click()
    expect(page.get_by_role("heading", name="Available authorizations")).to_be_visible()
    page.get_by_role("button", name="Close").last.click()
    entry = page.locator(".models button").filter(has_text="Prediction").first
    show_schema(page, entry)
    entry.click()
    expect(page.locator(".models").get_by_text("typicality").first).to_be_visible()
