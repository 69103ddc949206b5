"""Review by keyboard in a browser at the pace of a person, compared with the label journal."""

import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Page

from benchmarks.actions.results import ReviewFigures
from benchmarks.copies import started
from benchmarks.writes import latency
from embeddings.store.store import Store

_PAUSE_SECONDS = (0.5, 1.5)
"""Shortest and longest pause before a key."""

_UNDONE, _ACCEPTED, _KEPT = 0.05, 0.5, 0.3
"""Shares of the keys; the others are classes."""

_SEED = 0
_SAVED_MILLISECONDS = 60_000
_WIDTH, _HEIGHT = 1440, 900

# An image is painted two frames after it was decoded; the clock starts with the key.
_WATCH = """
window.shown = [];
let pressed = 0;
let last = null;
addEventListener("keydown", event => { pressed = event.timeStamp; }, true);
new MutationObserver(async () => {
  const image = document.querySelector(".review-item .large img");
  if (!image || image === last) return;
  last = image;
  const start = pressed;
  await image.decode();
  requestAnimationFrame(() => requestAnimationFrame(
    () => window.shown.push(performance.now() - start)
  ));
}).observe(document, {childList: true, subtree: true});
"""
_COUNT_SHOWN = "count => window.shown.length >= count"

_STATE = """() => {
  const [label, suggestion] = [...document.querySelectorAll(".comparison dd")]
    .map(each => each.textContent);
  const id = document.querySelector(".review-item h2").textContent;
  return {id, label, suggestion};
}"""
_IS_SAVED = """() =>
  !document.querySelector(".review-progress").textContent.includes("being saved")"""


@dataclass
class _Pressed:
    """Decisions as pressed: id, label before, label after."""

    classes: tuple[str, ...]
    rows: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    last: tuple[str, str, str] | None = None

    def undo(self) -> None:
        """Record that the last decision was taken back."""
        assert self.last is not None
        identifier, before, after = self.last
        self.rows[identifier, after, before] += 1
        self.last = None

    def decide(self, state: dict[str, str], chance: random.Random) -> str:
        """Choose and record a decision about the image on display, and return its key."""
        share = chance.random()
        suggestion = state["suggestion"]
        if share < _ACCEPTED and suggestion in self.classes:
            key, after = "a", suggestion
        elif share < _ACCEPTED + _KEPT:
            key, after = "k", state["label"]
        else:
            place = chance.randrange(len(self.classes))
            key, after = str(place + 1), self.classes[place]
        self.last = (state["id"], state["label"], after)
        self.rows[self.last] += 1
        return key


def measure_review(
    browser: Browser, home: Path, classes: tuple[str, ...], keys: int
) -> ReviewFigures:
    """Review images of a home, which is written, and compare its journal with the keys.

    Each class has a digit as its key, so there are at most nine.
    """
    store = Store(str(home / "store"))
    before = store.labels.keys()
    pressed = _Pressed(classes[:9])
    with started(home, BELVEDERE_WRITABLE="1") as service:
        page = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT})
        page.add_init_script(_WATCH)
        page.goto(f"{service.url}/#/review")
        milliseconds = _press_keys(page, pressed, keys)
        page.wait_for_function(_IS_SAVED, timeout=_SAVED_MILLISECONDS)
        page.close()
    new = store.labels.find(sorted(store.labels.keys() - before))
    rows = Counter(
        (each.decision.id, each.decision.before or "", each.decision.after or "") for each in new
    )
    return ReviewFigures(
        keys=keys,
        shown=latency([each / 1000 for each in milliseconds]),
        longest_ms=max(milliseconds),
        lost=(pressed.rows - rows).total(),
        doubled=(rows - pressed.rows).total(),
    )


def _press_keys(page: Page, pressed: _Pressed, keys: int) -> list[float]:
    """Press keys, and return the milliseconds from each to the image shown after it."""
    chance = random.Random(_SEED)
    page.wait_for_function(_COUNT_SHOWN, arg=1)
    for number in range(keys):
        page.wait_for_timeout(1000 * chance.uniform(*_PAUSE_SECONDS))
        page.wait_for_function(_COUNT_SHOWN, arg=number + 1)
        if pressed.last is not None and chance.random() < _UNDONE:
            pressed.undo()
            page.keyboard.press("u")
        else:
            page.keyboard.press(pressed.decide(page.evaluate(_STATE), chance))
    page.wait_for_function(_COUNT_SHOWN, arg=keys + 1)
    shown: list[float] = page.evaluate("window.shown")
    return shown[1:]
