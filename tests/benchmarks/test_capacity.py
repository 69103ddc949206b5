from benchmarks.capacity import Capacity, capacity_table
from tests.test_deployment import ROOT


def test_the_page_has_the_computed_table() -> None:
    text = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    assert "\n".join(capacity_table()) in text


def test_a_larger_collection_needs_more() -> None:
    small, large = Capacity(256_000), Capacity(1_000_000)
    assert small.store < large.store
    assert small.publish_hours < large.publish_hours
