"""The API documentation in a real browser; the fixture reports breaches of the policy."""

import json

from playwright.sync_api import expect


def test_it_lists_every_call_and_sends_one(opened, api):
    page = opened("docs")
    described = api.get("/openapi.json").json()
    expect(page.get_by_role("heading", name="Belvedere")).to_be_visible()
    calls = [(path, method) for path, each in described["paths"].items() for method in each]
    expect(page.locator(".opblock")).to_have_count(len(calls))
    for path, method in calls:
        block = page.locator(f".opblock-{method}", has=page.locator(f"[data-path='{path}']"))
        expect(block).to_have_count(1)

    block = page.locator("#operations-prediction-predict_stored")
    block.get_by_role("button").first.click()
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    answer = block.locator(".live-responses-table .response-col_description code").first
    expect(answer).to_contain_text('"probabilities"')
    identifier = described["paths"]["/predict"]["get"]["parameters"][0]["example"]
    assert json.loads(answer.inner_text()) == api.get("/predict", params={"id": identifier}).json()
