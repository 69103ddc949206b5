"""Table of selections against a dictionary, with any changes, and after erasing ids."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.lock import store_lock
from embeddings.store.selections import SelectionTable, StoredSelection
from tests.object_server import object_server

START = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = st.sampled_from(("a", "b'c", "Zoë"))
IDS = st.lists(st.sampled_from(("lake/1", "lake/2", "ocean/'3'")), unique=True).map(tuple)
CONTENTS = IDS | st.dictionaries(st.sampled_from(("label", "tag")), st.lists(st.text()))
CHANGES = st.lists(
    st.tuples(st.just("put"), NAMES, CONTENTS)
    | st.tuples(st.just("remove"), NAMES, st.none())
    | st.tuples(st.just("erase"), st.none(), IDS),
    max_size=30,
)


def stored(name: str, content: object, number: int) -> StoredSelection:
    return StoredSelection(
        name=name,
        ids=content if isinstance(content, tuple) else None,
        filter=content if isinstance(content, dict) else None,
        by="ada",
        created=START,
        changed=START + timedelta(seconds=number),
    )


@settings(max_examples=12, deadline=None)
@given(changes=CHANGES)
def test_the_last_change_of_a_name_counts(changes: list[tuple[str, str, object]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        table, expected = SelectionTable(folder), dict[str, StoredSelection]()
        for number, (kind, name, content) in enumerate(changes):
            if kind == "put":
                expected[name] = stored(name, content, number)
                table.put(expected[name])
            elif kind == "remove":
                expected.pop(name, None)
                table.remove(name)
            else:
                assert isinstance(content, tuple)
                table.remove_ids(content)
                for each in expected.values():
                    if each.ids is not None:
                        left = tuple(one for one in each.ids if one not in content)
                        expected[each.name] = each._replace(ids=left)
            assert SelectionTable(folder).read() == expected
        assert [*table.read()] == sorted(expected)


def test_a_table_that_was_never_written_is_empty(tmp_path: Path) -> None:
    table = SelectionTable(str(tmp_path))
    assert (table.read(), table.version()) == ({}, 0)
    table.remove("a")
    table.remove_ids(["lake/1"])
    assert [*tmp_path.iterdir()] == []


def test_selections_are_stored_in_object_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("obstore")
    with object_server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        table = SelectionTable("s3://bucket/store")
        assert table.read() == {}
        with store_lock(table.uri, "a test"):
            # More changes than fragments that are left as they are.
            for number in range(25):
                table.put(stored(f"{number % 2}", (f"lake/{number}",), number))
            table.put(stored("live", {"label": ["lake"]}, 30))
            table.remove("1")
            table.remove_ids(["lake/24"])
        assert SelectionTable("s3://bucket/store").read() == {
            "0": stored("0", (), 24),
            "live": stored("live", {"label": ["lake"]}, 30),
        }
