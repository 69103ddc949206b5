from pathlib import Path

from api_tests.conftest import served
from service.client import Client
from service.report.figures.gallery import Gallery
from service.settings import ServiceSettings


def test_each_stage_has_a_row_whose_neighbours_are_marked(home: Path) -> None:
    with (
        served(ServiceSettings(home=home)) as (api, _),
        Client(str(api.base_url)) as client,
    ):
        queries = client.neighbor_stages().queries[:2]
        lacking = queries[0].stages[1].model_copy(update={"neighbors": ()})
        shown = queries[0].model_copy(update={"stages": (queries[0].stages[0], lacking)})
        html = Gallery(client, thumbnails=True).stages((shown, queries[1])).html
    rows = html.split("<tr>")[1:]
    assert [row.count("<td") for row in rows] == [4] * 4
    marks = [
        each.right for query in (shown, queries[1]) for s in query.stages for each in s.neighbors
    ]
    assert html.count("✓ right") == sum(marks)
    assert html.count("✗ wrong") == len(marks) - sum(marks)
    assert "by own network baseline" in rows[1]


def test_a_missing_heat_map_is_stated(home: Path) -> None:
    with (
        served(ServiceSettings(home=home)) as (api, _),
        Client(str(api.base_url)) as client,
    ):
        found = client.errors(limit=2).errors
        bare = tuple(each.model_copy(update={"heatmap": None}) for each in found)
        shown = Gallery(client, thumbnails=True).errors(bare)
    assert len(found) == 2
    assert shown.html.count("no heat map") == 2
