"""The page of the label review: verdicts, accuracy without doubtful labels, missing answers."""

from collections.abc import Collection
from pathlib import Path

import pytest

from benchmarks.label_review import Answer, accuracy, page, read_answers
from embeddings.release.reader import Release, current_release, open_release


@pytest.fixture(scope="module")
def release(home: Path) -> Release:
    return open_release(current_release(home / "releases"))


def _answer(id: str, fits: Collection[str], *, sample: bool = False) -> Answer:
    return Answer(id, "Water", frozenset(fits), sample)


def _correct(release: Release) -> list[str]:
    wrong = {each.id for each in release.errors}
    records = [release.record(row) for row in range(len(release.ids))]
    return [each.id for each in records if each.split == "validation" and each.id not in wrong]


@pytest.mark.parametrize(
    ("fits", "verdict"),
    [
        (["lake"], "agree"),
        (["lake", "ocean"], "ambiguous"),
        ([], "ambiguous"),
        (["ocean"], "wrong"),
        (["mountain", "ocean"], "wrong"),
    ],
)
def test_verdicts_follow_from_the_classes_that_fit(fits: list[str], verdict: str):
    assert _answer("lake/1", fits).verdict("lake") == verdict


def test_examined_images_with_doubtful_labels_are_left_out_of_the_accuracy(release: Release):
    errors, correct = release.errors, _correct(release)
    images = len(errors) + len(correct)
    found = accuracy(
        release,
        [
            _answer(errors[0].id, [errors[0].predicted]),
            *(_answer(each.id, [each.label]) for each in errors[1:]),
            _answer(correct[0], []),
            _answer(correct[1], [], sample=True),
            _answer(correct[2], [correct[2].split("/")[0]], sample=True),
            _answer("lake/not-in-the-release", []),
        ],
    )
    assert found.plain == pytest.approx(1 - len(errors) / images)
    assert (found.kept_errors, found.kept_images) == (len(errors) - 1, images - 2)
    assert (found.doubtful, found.sample) == (1, 2)
    half = len(correct) / 2
    assert found.estimate(0.5) == pytest.approx(half / (half + len(errors) - 1))


def test_images_of_the_release_without_an_answer_are_named(release: Release):
    with pytest.raises(ValueError, match=release.errors[0].id):
        page(release, [_answer(each.id, []) for each in release.errors[1:]])


def test_the_page_shows_each_examined_image(release: Release, tmp_path: Path):
    issues = {each.id for each in release.label_issues}
    shown = sorted(issues | {each.id for each in release.errors})
    answers = tmp_path / "answers.csv"
    lines = [f'{id},"Water, hills",lake ocean,' for id in shown]
    answers.write_text("\n".join(["id,shows,fits,sample", *lines]), encoding="utf-8")
    text = page(release, read_answers(answers))
    for id in shown:
        assert f"| `{id}` | {id.split('/')[0]} |" in text
    assert text.count("| Water, hills | lake, ocean |") == len(shown)
