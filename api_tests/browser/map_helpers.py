"""Helpers for tests of the map."""

import re

from playwright.sync_api import Locator, Page, expect

# Points have saturated colours; text and background are grey.
_SATURATED_PIXEL = """canvas => {
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


def point_position(page: Page) -> tuple[float, float]:
    """Return the position of a point in the browser window."""
    canvas = page.locator(".map canvas")
    # The number is shown after the map has been drawn.
    expect(heading(page)).to_have_text(re.compile(r"In view: \d"))
    box = canvas.bounding_box()
    assert box is not None
    x, y = canvas.evaluate(_SATURATED_PIXEL)
    return box["x"] + x, box["y"] + y + 2


def expect_in_view(page: Page, number: int | str) -> None:
    """Wait until the given number of images is in view."""
    noun = "image" if number == 1 else "images"
    expect(heading(page)).to_have_text(f"In view: {number} {noun}")


def heading(page: Page) -> Locator:
    """Return the heading with the number of images in view."""
    return page.get_by_role("heading", name=re.compile("In view"))
