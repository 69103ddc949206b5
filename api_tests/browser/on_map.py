"""What the tests look for on the map."""

import re

from playwright.sync_api import Locator, Page, expect

# A pixel of a point has a colour; letters and ground have none.
_COLOURED = """canvas => {
  const ratio = devicePixelRatio;
  const { width, height } = canvas;
  const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
  for (let index = 0; index < data.length; index += 4) {
    const [red, green, blue] = data.slice(index, index + 3);
    if (data[index + 3] > 200 && Math.max(red, green, blue) - Math.min(red, green, blue) > 90) {
      return [(index / 4) % width / ratio, Math.floor(index / 4 / width) / ratio];
    }
  }
}"""


def place_of_a_point(page: Page) -> tuple[float, float]:
    """Where some point of the map lies in the window."""
    canvas = page.locator(".map canvas")
    # The number comes when the map has been drawn.
    expect(heading(page)).to_have_text(re.compile(r"In sight: \d"))
    box = canvas.bounding_box()
    assert box is not None
    x, y = canvas.evaluate(_COLOURED)
    return box["x"] + x, box["y"] + y + 2


def in_sight(page: Page, number: int | str) -> None:
    """Wait until so many photographs are in sight."""
    noun = "photograph" if number == 1 else "photographs"
    expect(heading(page)).to_have_text(f"In sight: {number} {noun}")


def heading(page: Page) -> Locator:
    """What says how many are in sight."""
    return page.get_by_role("heading", name=re.compile("In sight"))
