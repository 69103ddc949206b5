import subprocess
import sys
from pathlib import Path

import pytest

from service.report import figures
from tests.service.report.figures_of_a_comparison import (
    FAMILIES,
    draw,
    experiment,
    robustness_of,
)

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("families", "perfect", "tuning"),
    [
        (FAMILIES, True, True),
        (FAMILIES, False, False),
        (("transfer",), False, True),
        (("own network",), True, False),
    ],
)
def test_every_figure_can_be_drawn(families: tuple[str, ...], perfect: bool, tuning: bool) -> None:
    html = "".join(draw(3, families, 1, tuning=tuning, perfect=perfect))
    assert "nan" not in html
    assert "None" not in html
    assert ("there is no tuning part" in html) is not tuning
    assert f"the queue is better in {4 * perfect} and worse in 0" in html
    assert "belvedere label-loop" in html
    assert ("(80.0\u202f% to 95.0\u202f%)" in html) is perfect
    assert html.count("noise changes the accuracy most") == len(families)
    assert html.count("grey least (+0.0 points)") == len(families)
    assert "belvedere robustness" in html
    assert ("greatest strength of every corruption, too" in html) is (len(families) > 1)


def test_corruptions_that_overturn_the_order_of_the_models_are_named() -> None:
    names = ("a", "b")
    drawn = [experiment(each, each, names, tuning=True, perfect=True) for each in ("x", "y")]
    robustness = robustness_of(drawn)
    fragile, other = robustness.models
    noise, *rest = fragile.corruptions
    worse = [step.model_copy(update={"accuracy": 0.0}) for step in noise.steps]
    fragile = fragile.model_copy(
        update={"corruptions": (noise.model_copy(update={"steps": tuple(worse)}), *rest)}
    )
    changed = robustness.model_copy(update={"models": (fragile, other)})
    html = figures.robustness_findings(changed).html
    assert "less accurate than another one at the greatest strength of noise. " in html


def test_a_report_of_many_classes_stays_small() -> None:
    command = [sys.executable, "-m", "tests.service.report.figures_of_a_comparison", "300", "8"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    megabytes, characters = map(int, done.stdout.split())
    assert megabytes < 600
    assert characters < 300_000


def test_only_the_worst_of_many_classes_are_shown() -> None:
    html = "".join(draw(120, ("own network",), 1, tuning=True, perfect=False))
    assert "The 40 of 120 classes with the lowest F1" in html
    assert "The 40 of 120 classes with the lowest coverage" in html
    assert "class 79 and" not in html
