"""Names of exported files, for ids and labels of any characters."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from embeddings.export.folder import FileNames
from embeddings.store.records import StoredImage

_PARTS = st.one_of(
    st.sampled_from(["lake", "Lake", "x", "X", "x.", "con", "NUL.txt", "..", ".", "a:b", "a?b"]),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
        lambda part: "/" not in part
    ),
)
_IDS = st.lists(_PARTS, min_size=1, max_size=3).map("/".join)


def _image(identifier: str, label: str | None) -> StoredImage:
    return StoredImage(
        id=identifier,
        label=label,
        split="train",
        group=0,
        digest=sha256(b"one file").hexdigest(),
        source_digest="",
        width=1,
        height=1,
    )


@given(st.lists(st.tuples(_IDS, st.none() | _PARTS), unique_by=lambda pair: pair[0]))
def test_names_are_different_and_usable_on_every_system(
    images: list[tuple[str, str | None]],
) -> None:
    names = FileNames()
    found = [names.of(_image(*each)) for each in images]
    assert len({each.casefold() for each in found} | {"licences.csv"}) == len(found) + 1
    for name in found:
        assert name.endswith(".jpg")
        assert not set('<>:"\\|?*') & set(name)
        assert min(name) >= " "
        for part in name.removesuffix(".jpg").split("/"):
            assert part not in {"", ".", ".."}
            assert part.casefold().partition(".")[0] not in {"con", "nul"}


@given(_IDS, _PARTS)
def test_an_image_is_in_the_folder_of_its_label(identifier: str, label: str) -> None:
    folder = FileNames().of(_image(f"{label}/x", label)).partition("/")[0]
    assert FileNames().of(_image(identifier, label)).startswith(f"{folder}/")


def test_a_plain_name_is_the_id_in_the_folder_of_the_label() -> None:
    names = FileNames()
    assert names.of(_image("lake/0042", "lake")) == "lake/0042.jpg"
    assert names.of(_image("lake/0042/left", "lake")) == "lake/0042/left.jpg"
    assert names.of(_image("lake/0043", "ocean")) == "ocean/lake/0043.jpg"
    assert names.of(_image("lake", "lake")) == "lake/lake.jpg"
    assert names.of(_image("lake/0044", None)) == "lake_0044.jpg"
