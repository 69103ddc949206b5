"""Outcomes of files under random changes of a folder and of the store, against a plain model."""

import io
import os
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from embeddings.ingest.relabelling import relabel
from embeddings.progress import no_progress
from embeddings.store.store import Store
from tests.training.pictures import jpeg, picture
from training.data.files import DataSource
from training.data.folder_files import list_folder
from training.data.ingest import FileOutcome, Policy, Report, ingest_source
from training.data.inspection import Options
from training.errors import DataError

LABELS = ("cat", "dog", "emu")
PATHS = [f"{label}/{number}.jpg" for label in LABELS for number in range(3)]
CONTENTS = [jpeg(1000 + number) for number in range(7)]


PLAIN, KEEPING = Options(), Policy()


def label_of(path: str) -> str:
    return path.split("/")[0]


def add(
    folder: Path, store: Store, options: Options = PLAIN, policy: Policy = KEEPING
) -> dict[str, FileOutcome]:
    reports: list[Report] = []
    ingest_source(
        DataSource("pets", lambda: list_folder(folder)),
        store,
        options,
        policy,
        seed=0,
        workers=2,
        track=no_progress,
        report=reports.append,
    )
    return {each.path: each for each in reports[0].outcomes if each.path.endswith(".jpg")}


@dataclass
class Known:
    """Image of the model."""

    path: str
    content: int
    label: str
    deleted: bool = False


@dataclass
class Model:
    """Files and images as plain objects, with the rules for outcomes one after the other."""

    files: dict[str, int] = field(default_factory=dict)
    images: dict[str, Known] = field(default_factory=dict)

    def add(self) -> dict[str, str]:
        found: dict[str, str] = {}
        claimed: set[str] = set()
        for path, content in self.files.items():
            for name, image in self.live(content).items():
                if image.path == path:
                    found[path] = "unchanged"
                    claimed.add(name)
        for content in sorted(set(self.files.values())):
            rest = [each for each in sorted(self.files) if self.files[each] == content]
            rest = [each for each in rest if each not in found]
            if live := self.live(content):
                self.move(live, rest, found, claimed)
            elif any(image.content == content for image in self.images.values()):
                found |= dict.fromkeys(rest, "deleted_before")
        for content in sorted(set(self.files.values())):
            rest = [each for each in sorted(self.files) if self.files[each] == content]
            if rest := [each for each in rest if each not in found]:
                self.take(content, rest, found, claimed)
        return found

    def live(self, content: int) -> dict[str, Known]:
        both = self.images.items()
        return {name: each for name, each in both if each.content == content and not each.deleted}

    def move(
        self, live: dict[str, Known], rest: list[str], found: dict[str, str], claimed: set[str]
    ) -> None:
        ((name, image),) = live.items()
        if rest and name not in claimed:
            same = [each for each in rest if label_of(each) == image.label]
            path = same[0] if same else rest[0]
            rest.remove(path)
            claimed.add(name)
            kept = label_of(path) in (image.label, label_of(image.path))
            found[path] = "moved" if kept else "relabelled"
            image.label = image.label if kept else label_of(path)
            image.path = path
        for path in rest:
            found[path] = "duplicate_of" if label_of(path) == image.label else "conflict"

    def take(
        self, content: int, paths: list[str], found: dict[str, str], claimed: set[str]
    ) -> None:
        if len({label_of(path) for path in paths}) > 1:
            found |= dict.fromkeys(paths, "conflict")
            return
        places = {
            image.path: name
            for name, image in self.images.items()
            if not image.deleted and name not in claimed
        }
        known = [path for path in paths if path in places]
        found |= dict.fromkeys(paths, "duplicate_of")
        if known:
            found[known[0]] = "replaced"
            claimed.add(places[known[0]])
            self.images[places[known[0]]].content = content
        else:
            found[paths[0]] = "added"
            self.images[f"new {len(self.images)}"] = Known(paths[0], content, label_of(paths[0]))


changes = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(PATHS), st.integers(0, len(CONTENTS) - 1)),
    st.tuples(st.just("move"), st.sampled_from(PATHS), st.sampled_from(PATHS)),
    st.tuples(st.just("copy"), st.sampled_from(PATHS), st.sampled_from(PATHS)),
    st.tuples(st.just("remove"), st.sampled_from(PATHS), st.none()),
    st.tuples(st.just("delete"), st.integers(0, 8), st.none()),
    st.tuples(st.just("relabel"), st.integers(0, 8), st.sampled_from(LABELS)),
)


class Trial:
    """Folder, store and model, changed alike."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.store, self.model = folder / "pets", Store(str(folder / "store")), Model()
        self.clock = 0
        for label in LABELS:
            (self.folder / label).mkdir(parents=True)
            (self.folder / label / "notes.txt").write_text("so that no folder is empty")

    def change(self, kind: str, one: object, other: object) -> None:
        files = self.model.files
        if kind == "write":
            self.write(str(one), int(str(other)))
        elif kind in ("move", "copy") and one in files and one != other:
            self.write(str(other), files[str(one)])
        if kind in ("move", "remove") and one in files and one != other:
            (self.folder / str(one)).unlink()
            del files[str(one)]
        if kind in ("delete", "relabel"):
            self.change_image(kind, int(str(one)), str(other))

    def change_image(self, kind: str, number: int, label: str) -> None:
        live = [each for each in self.model.images.values() if not each.deleted]
        if number >= len(live):
            return
        image = live[number]
        contents = self.ids_by_content()
        if kind == "delete":
            self.store.delete([contents[image.content]])
            image.deleted = True
        else:
            relabel(self.store, label, [contents[image.content]], "test")
            image.label = label

    def write(self, path: str, content: int) -> None:
        self.clock += 1
        (self.folder / path).write_bytes(CONTENTS[content])
        os.utime(self.folder / path, ns=(self.clock, self.clock))
        self.model.files[path] = content

    def ids_by_content(self) -> dict[int, str]:
        """The id of each live image."""
        return {CONTENTS.index(self.stored(each.digest)): each.id for each in self.images()}

    def images(self):
        return self.store.at().images

    def stored(self, digest: str) -> bytes:
        return self.store.at().jpeg(digest)

    def check(self) -> None:
        found = add(self.folder, self.store)
        expected = self.model.add()
        assert {path: each.outcome for path, each in found.items()} == expected
        live = [each for each in self.model.images.values() if not each.deleted]
        images = self.images()
        facts = [(each.path, self.stored(each.digest), each.label) for each in images]
        assert Counter(facts) == Counter(
            (each.path, CONTENTS[each.content], each.label) for each in live
        )
        again = add(self.folder, self.store)
        renamed = {"added", "moved", "relabelled", "replaced"}
        assert {path: each.outcome for path, each in again.items()} == {
            path: "unchanged" if outcome in renamed else outcome
            for path, outcome in expected.items()
        }
        assert self.images() == images


@settings(
    max_examples=12,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.lists(changes, min_size=1, max_size=8), min_size=1, max_size=4))
def test_outcomes_follow_the_rules(
    tmp_path_factory: pytest.TempPathFactory, rounds: list[list[tuple[str, object, object]]]
) -> None:
    trial = Trial(tmp_path_factory.mktemp("trial"))
    trial.write("cat/0.jpg", 0)
    for steps in rounds:
        for step in steps:
            trial.change(*step)
        trial.check()


def test_a_deleted_image_stays_away_until_it_is_restored(tmp_path: Path) -> None:
    trial = Trial(tmp_path)
    trial.write("cat/0.jpg", 0)
    trial.write("dog/0.jpg", 1)
    assert {each.outcome for each in add(trial.folder, trial.store).values()} == {"added"}
    trial.store.delete(["cat/0"])
    found = add(trial.folder, trial.store)["cat/0.jpg"]
    assert (found.outcome, found.id) == ("deleted_before", "cat/0")
    assert trial.images().ids == ["dog/0"]
    found = add(trial.folder, trial.store, Options(restore=True))["cat/0.jpg"]
    assert (found.outcome, found.detail) == ("added", "restored")
    assert trial.images().ids == ["cat/0", "dog/0"]


def test_a_relabelled_file_is_recorded_in_the_journal(tmp_path: Path) -> None:
    trial = Trial(tmp_path)
    trial.write("cat/0.jpg", 0)
    add(trial.folder, trial.store)
    trial.change("move", "cat/0.jpg", "dog/1.jpg")
    add(trial.folder, trial.store)
    ((image),) = trial.images()
    assert (image.id, image.label, image.path) == ("cat/0", "dog", "dog/1.jpg")
    ((recorded),) = trial.store.labels.of("cat/0")
    decision = recorded.decision
    assert (decision.before, decision.after, decision.why) == ("cat", "dog", "import")


def test_mirror_deletes_what_is_gone_but_not_much_without_a_confirmation(tmp_path: Path) -> None:
    trial = Trial(tmp_path)
    trial.write("cat/0.jpg", 0)
    trial.write("dog/0.jpg", 1)
    add(trial.folder, trial.store)
    trial.change("remove", "cat/0.jpg", None)
    before = trial.store.at().revision
    with pytest.raises(DataError, match="--yes"):
        add(trial.folder, trial.store, policy=Policy(mirror=True))
    assert trial.store.at().revision == before
    add(trial.folder, trial.store, policy=Policy(mirror=True, confirmed=True))
    assert trial.images().ids == ["dog/0"]
    assert trial.store.at().deleted.ids == ["cat/0"]


def test_a_location_is_stored_only_if_told(tmp_path: Path) -> None:
    located = Image.Exif()
    located.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2021:07:04 18:30:05"
    located.get_ifd(ExifTags.IFD.GPSInfo).update(
        {1: "S", 2: (10.0, 30.0, 36.0), 3: "E", 4: (20.0, 0.0, 0.0)}
    )
    trial = Trial(tmp_path)
    (trial.folder / "cat").mkdir(parents=True, exist_ok=True)
    path = trial.folder / "cat/0.jpg"
    picture(0).save(path, exif=located)
    content = path.read_bytes()
    taken = {"taken": "2021-07-04T18:30:05"}
    for keep, attributes in ((False, taken), (True, {**taken, "location": [-10.51, 20.0]})):
        store = Store(str(tmp_path / f"store-{keep}"))
        add(trial.folder, store, Options(keep_location=keep))
        snapshot = store.at()
        ((image),) = snapshot.images
        assert image.attributes == attributes
        jpeg = snapshot.jpeg(image.digest)
        assert (jpeg == content) is keep
        assert bool(Image.open(io.BytesIO(jpeg)).getexif().get_ifd(ExifTags.IFD.GPSInfo)) is keep


def test_another_label_of_a_moved_file_ends_the_review(tmp_path: Path) -> None:
    trial = Trial(tmp_path)
    trial.write("cat/0.jpg", 0)
    trial.write("dog/0.jpg", 1)
    add(trial.folder, trial.store)
    relabel(trial.store, "dog", ["cat/0"], "ada")
    (image,) = [each for each in trial.images() if each.id == "cat/0"]
    assert "reviewed" in image.attributes
    (trial.folder / "cat/0.jpg").rename(trial.folder / "emu/0.jpg")
    assert add(trial.folder, trial.store)["emu/0.jpg"].outcome == "relabelled"
    (image,) = [each for each in trial.images() if each.id == "cat/0"]
    assert (image.label, "reviewed" in image.attributes) == ("emu", False)


def test_images_without_a_label_are_added_only_if_told(tmp_path: Path) -> None:
    trial = Trial(tmp_path)
    trial.write("cat/0.jpg", 0)
    trial.write("dog/0.jpg", 1)
    (trial.folder / "loose.jpg").write_bytes(CONTENTS[2])
    assert add(trial.folder, trial.store)["loose.jpg"].outcome == "rejected"
    found = add(trial.folder, trial.store, Options(unlabelled=True))["loose.jpg"]
    assert found.outcome == "added"
    (image,) = [each for each in trial.images() if each.id == "loose"]
    assert (image.label, image.split) == (None, "pool")
    (trial.folder / "loose.jpg").rename(trial.folder / "dog/loose.jpg")
    assert add(trial.folder, trial.store)["dog/loose.jpg"].outcome == "relabelled"
    (image,) = [each for each in trial.images() if each.id == "loose"]
    assert image.label == "dog"
    assert image.split != "pool"


def test_a_near_copy_in_another_class_is_a_conflict_and_the_stored_image_stays(
    tmp_path: Path,
) -> None:
    trial = Trial(tmp_path)
    (trial.folder / "cat/0.jpg").write_bytes(jpeg(70, quality=90))
    add(trial.folder, trial.store)
    (trial.folder / "dog/other.jpg").write_bytes(jpeg(70, quality=60))
    for _ in range(2):
        found = add(trial.folder, trial.store)
        assert found["cat/0.jpg"].outcome == "unchanged"
        assert found["dog/other.jpg"].outcome == "conflict"
        assert "the same image as cat/0" in found["dog/other.jpg"].detail
    relabel(trial.store, "dog", ["cat/0"], "test")
    assert add(trial.folder, trial.store)["dog/other.jpg"].outcome == "added"


def test_two_near_copies_are_taken_again_when_one_is_removed(tmp_path: Path) -> None:
    trial = Trial(tmp_path)
    (trial.folder / "cat/0.jpg").write_bytes(jpeg(70, quality=90))
    (trial.folder / "dog/0.jpg").write_bytes(jpeg(70, quality=60))
    for _ in range(2):
        outcomes = [each.outcome for each in add(trial.folder, trial.store).values()]
        assert outcomes == ["conflict", "conflict"]
    (trial.folder / "dog/0.jpg").unlink()
    assert add(trial.folder, trial.store)["cat/0.jpg"].outcome == "added"


def test_a_licence_list_that_comes_later_updates_the_images(tmp_path: Path) -> None:
    trial = Trial(tmp_path)
    trial.write("cat/0.jpg", 0)
    add(trial.folder, trial.store)
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "cat_photos_info.json").write_text('{"0.jpg": {"owner": "Zoe", "owner_id": "z"}}')
    source = DataSource("pets", lambda: list_folder(trial.folder), lists)
    ingest_source(
        source, trial.store, Options(), Policy(), seed=0, workers=2, track=no_progress,
        report=lambda report: None,
    )  # fmt: skip
    (image,) = trial.images()
    assert (image.photographer, image.photographer_id) == ("Zoe", "z")
