"""Collections that are not like the one at hand: many classes, with long names."""

import pytest
from playwright.sync_api import expect

from api_tests.browser.conftest import NARROW, WIDE

MOST_KINDS = 24
NAMES = [f"a_class_with_a_name_as_long_as_museums_have_{number}" for number in range(9)]


@pytest.fixture
def answer(api):
    """Errors of every kind, the more the earlier their classes come."""
    found = api.get("/errors", params={"limit": 1}).json()
    error = found["errors"][0]
    kinds = [(label, predicted) for label in NAMES for predicted in NAMES if label != predicted]
    errors = [
        error
        | {"label": label, "predicted": predicted}
        | {"probabilities": dict.fromkeys(NAMES, 1 / len(NAMES))}
        for number, (label, predicted) in enumerate(kinds)
        for _ in range(2 if number < MOST_KINDS else 1)
    ]
    return found | {"errors": errors, "total": len(errors)}


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_many_kinds_of_errors_do_not_stand_in_the_way(opened, answer, breaches, size):
    page = opened("#/experiments", size=size)
    page.route("**/errors?*", lambda route: route.fulfill(json=answer))
    page.get_by_role("link", name="Errors").click()
    expect(page.get_by_label("Kinds of errors", exact=True).get_by_role("link")).to_have_count(
        MOST_KINDS
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    rare = page.get_by_label("Rarer kinds of errors").get_by_role("link")
    expect(rare.first).to_be_hidden()
    page.get_by_text("48 rarer kinds").click()
    rare.last.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("1 error")
    expect(rare.last).to_be_visible()
    expect(rare.last).to_have_attribute("aria-current", "true")
    assert breaches(page) == []
