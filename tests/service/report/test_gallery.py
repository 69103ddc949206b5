from pathlib import Path

from api_tests.conftest import served
from service.client import Client
from service.report.figures.gallery import Gallery
from service.settings import ServiceSettings


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
