"""Every view in two layouts: wide with light colours, narrow with dark colours."""

import pytest
from playwright.sync_api import expect

from api_tests.browser.conftest import NARROW, WIDE
from api_tests.browser.uploads import drop

LAYOUTS = [pytest.param(WIDE, "light", id="wide"), pytest.param(NARROW, "dark", id="narrow")]


@pytest.fixture(scope="module")
def views(api):
    errors = api.get("/errors").json()["errors"]
    best = api.get("/experiments").json()["best"]
    return {
        "map": ("#/map", "Map", ".thumbnails figure img"),
        "image": (f"#/image/{errors[0]['id']}", errors[0]["id"], ".minimap canvas"),
        "errors": ("#/errors", "error", ".cards.wide img"),
        "experiments": ("#/experiments", "3 experiments", ".chart .model"),
        # The loss, because the accuracy of the tiny release is constant: that line has no height.
        "experiment": (f"#/experiments/{best}", best, ".curves path.tuning >> nth=1"),
        "yours": ("#/yours", "Upload an image", ".notice button"),
        "search": ("#/search", "Search by examples", ".notice button"),
        "found": (f"#/search?like={errors[0]['id']}", "Search by examples", ".cards img"),
        "part": (f"#/image/{errors[0]['id']}?box=0.2,0.3,0.5,0.5", errors[0]["id"], ".part"),
        "found filtered": (
            f"#/search?like={errors[0]['id']}&label=lake&learned=true&typicality_min=0.1",
            "Search by examples",
            ".active-filters button",
        ),
        "selections": ("#/selections", "Selections", ".saved > li"),
        "add": ("#/add", "Add images", ".buttons button"),
        "review": ("#/review", "Review", ".review-item img"),
        "duplicates": ("#/duplicates", "Duplicates", ".duplicates img"),
        "history": ("#/history", "History", ".versions li time"),
        "nowhere": ("#/image/nowhere", "Not found", ".notice a"),
    }


@pytest.mark.parametrize(("size", "scheme"), LAYOUTS)
def test_every_view_fits_and_is_accessible(
    open_page, views, a_jpeg, axe_violations, screenshot, size, scheme
):
    page = open_page(size=size, scheme=scheme)

    def check(name, title, content):
        expect(page.get_by_role("heading", level=1)).to_contain_text(title)
        expect(page).to_have_title(f"{page.locator('h1').inner_text()} · Belvedere")
        expect(page.locator(content).first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], name
        assert axe_violations(page) == [], name
        screenshot(page, f"{name}-{size[0]}-{scheme}")

    for name, (url, title, content) in views.items():
        page.goto(f"/{url}")
        check(name, title, content)
    drop(page, a_jpeg)
    check("dropped", "Your image", ".minimap canvas")
