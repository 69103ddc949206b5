"""The comparison of experiments and the gallery of errors."""

import re

import pytest
from playwright.sync_api import expect

from api_tests.browser.conftest import NARROW


@pytest.fixture(scope="module")
def comparison(api):
    return api.get("/experiments").json()


@pytest.fixture(scope="module")
def errors(api):
    return api.get("/errors", params={"limit": 10_000}).json()["errors"]


def test_the_table_is_sorted_by_any_column(opened, comparison):
    page = opened("#/experiments")
    rows = page.locator("table.experiments tbody tr")
    expect(rows).to_have_count(len(comparison["experiments"]))

    def names():
        return rows.locator("th a").all_inner_texts()

    def expected(value, descending):
        found = sorted(comparison["experiments"], key=value, reverse=descending)
        return [each["name"] for each in found]

    assert names() == expected(lambda each: each["accuracy"], True)
    page.get_by_role("button", name="Weights").click()
    header = page.get_by_role("columnheader", name="Weights")
    expect(header).to_have_attribute("aria-sort", "descending")
    assert names() == expected(lambda each: each["parameters"], True)
    page.keyboard.press("Enter")
    expect(header).to_have_attribute("aria-sort", "ascending")
    assert names() == expected(lambda each: each["parameters"], False)
    page.get_by_role("button", name="Experiment", exact=True).click()
    assert names() == expected(lambda each: each["name"], False)


def test_intervals_and_cost_are_shown(opened, comparison):
    page = opened("#/experiments")
    low, high = comparison["experiments"][0]["evidence"]["interval"]
    row = page.locator("table.experiments tr", has_text=comparison["experiments"][0]["name"]).first
    text = row.inner_text().replace("\u202f", " ")
    assert f"{low:.1%}".replace("%", " %") in text
    assert f"{high:.1%}".replace("%", " %") in text
    expect(page.locator(".chart .network")).to_have_count(len(comparison["experiments"]))
    # The last one is drawn last, so no other one lies over it.
    page.locator(".chart .network").last.click()
    expect(page.get_by_text("How it learned")).to_be_visible()


def test_the_one_chosen_shows_its_curves_and_confusions(opened, api, comparison):
    best = comparison["best"]
    report = api.get(f"/experiments/{best}").json()
    page = opened("#/experiments")
    page.locator("table.experiments").get_by_role("link", name=best, exact=True).click()
    expect(page.locator(".curves path.held-out")).to_have_count(2)
    for line in page.locator(".curves path.held-out").all():
        assert line.get_attribute("d").count("L") == len(report["curves"]["loss"]) - 1
    rows = page.locator("table.confusion tbody tr").all()
    shown = [[int(cell or 0) for cell in row.locator("td").all_inner_texts()] for row in rows]
    assert shown == report["confusion"]


def test_figures_of_several_seeds_are_told_from_those_of_one(opened, api, comparison):
    report = api.get(f"/experiments/{comparison['best']}").json()
    report["evidence"]["seeds"] = 3
    page = opened("#/errors")
    page.route("**/experiments/*", lambda route: route.fulfill(json=report))
    page.goto(f"/#/experiments/{comparison['best']}")
    expect(page.get_by_text("means over 3 seeds")).to_be_visible()


def test_ticks_of_a_flat_curve_differ(opened, api, comparison):
    report = api.get(f"/experiments/{comparison['best']}").json()
    epochs = len(report["curves"]["loss"])
    for name, flat in (("accuracy", 0.985), ("loss", 0.101)):
        values = [flat + 0.001 * (epoch % 3) for epoch in range(epochs)]
        report["curves"] |= {name: values, f"tuning_{name}": values}
    page = opened("#/errors")
    page.route("**/experiments/*", lambda route: route.fulfill(json=report))
    page.goto(f"/#/experiments/{comparison['best']}")
    expect(page.locator(".curves .grid")).to_have_count(2)
    for grid in page.locator(".curves .grid").all():
        ticks = grid.locator("text").all_text_contents()
        assert len(ticks) == len(set(ticks)) > 2


def test_why_an_experiment_was_skipped_is_said(opened, comparison):
    skipped = comparison["experiments"][1] | {
        "status": "skipped",
        "reason": "There are no weights; run `belvedere train`.",
        **dict.fromkeys(("accuracy", "macro_f1", "cost", "evidence", "parameters")),
    }
    answer = comparison | {"experiments": [comparison["experiments"][0], skipped]}
    page = opened("#/errors")
    page.route("**/experiments", lambda route: route.fulfill(json=answer))
    page.get_by_role("link", name="Experiments").click()
    row = page.locator("table.experiments tr.skipped")
    expect(row).to_contain_text("Skipped: There are no weights; run belvedere train.")
    expect(row.locator("code")).to_have_text("belvedere train")


def test_confusions_lead_to_their_photographs(opened, comparison, errors):
    first = errors[0]
    kind = [
        each
        for each in errors
        if (each["label"], each["predicted"]) == (first["label"], first["predicted"])
    ]
    page = opened(f"#/experiments/{comparison['best']}")
    page.get_by_title(f"{first['label']} seen as {first['predicted']}:").get_by_role("link").click()
    expect(page.locator(".cards.wide figure")).to_have_count(len(kind))
    page.get_by_role("link", name=f"Show all {len(errors)}").click()
    expect(page.locator(".cards.wide figure")).to_have_count(min(len(errors), 60))


def test_errors_say_both_classes_and_show_heat_maps(opened, errors, pictured):
    page = opened("#/errors")
    expect(page.get_by_role("heading", level=1)).to_contain_text(str(len(errors)))
    figure = page.locator(".cards.wide figure").first
    expect(figure).to_contain_text(f"{errors[0]['label']} taken for {errors[0]['predicted']}")
    picture = figure.locator("img")
    button = figure.get_by_role("button", name="Heat map")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(picture).to_have_attribute("src", errors[0]["heatmap"].lstrip("/"))
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    pictured(page, "heat-map")
    button.click()
    expect(picture).to_have_attribute("src", errors[0]["image"].lstrip("/"))


def test_who_goes_back_from_a_neighbour_is_where_they_were(opened, records):
    page = opened(f"#/image/{records[0]['id']}", size=NARROW)
    last = page.locator(".neighbours figure").last
    last.get_by_role("link").first.click()
    expect(page).not_to_have_url(re.compile(records[0]["id"]))
    expect(page.locator(".verdict")).to_be_visible()
    page.go_back()
    expect(page).to_have_url(re.compile(records[0]["id"]))
    expect(last).to_be_in_viewport()


def test_who_goes_back_is_where_they_were(opened, errors):
    page = opened("#/errors", size=NARROW)
    last = page.locator(".cards.wide figure").last
    last.get_by_role("link").first.click()
    expect(page.locator(".verdict")).to_be_visible()
    assert page.evaluate("scrollY") == 0
    page.go_back()
    expect(page.locator(".cards.wide figure")).to_have_count(min(len(errors), 60))
    expect(last).to_be_in_viewport()
    page.get_by_role("link", name="Experiments").click()
    expect(page.locator("table.experiments")).to_be_visible()
    page.get_by_role("link", name="Errors").click()
    expect(page.get_by_role("heading", level=1)).to_be_in_viewport()


def test_of_many_classes_the_matrix_shows_those_with_the_most_confusions(opened, api, comparison):
    report = api.get(f"/experiments/{comparison['best']}").json()
    classes = [f"class {number}" for number in range(120)]
    confusion = [[4 * (row == column) for column in range(120)] for row in range(120)]
    confusion[7][99] = 3
    report |= {"classes": classes, "confusion": confusion, "per_class": []}
    page = opened("#/errors")
    page.route("**/experiments/*", lambda route: route.fulfill(json=report))
    page.goto(f"/#/experiments/{comparison['best']}")
    matrix = page.locator(".confusion")
    expect(matrix.locator("caption")).to_contain_text("the 20 of 120 classes")
    expect(matrix.locator("tbody tr")).to_have_count(20)
    expect(matrix.get_by_role("rowheader", name="class 7", exact=True)).to_be_visible()
    expect(matrix.get_by_role("columnheader", name="class 99", exact=True)).to_be_attached()


def test_without_a_tuning_part_the_curves_are_those_of_what_was_learned(opened, api, comparison):
    report = api.get(f"/experiments/{comparison['best']}").json()
    report["curves"] |= {"tuning_loss": [], "tuning_accuracy": []}
    page = opened("#/errors")
    page.route("**/experiments/*", lambda route: route.fulfill(json=report))
    page.goto(f"/#/experiments/{comparison['best']}")
    expect(page.locator(".curves path.learned")).to_have_count(2)
    expect(page.locator(".curves path.held-out")).to_have_count(0)
    expect(page.locator(".curves .legend")).not_to_contain_text("held out")
