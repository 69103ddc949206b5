"""`python -m benchmarks.screenshots`: screenshots of the page for the documentation.

`BELVEDERE_HOME` is a home of generated scenes with a release (`BELVEDERE_DATA=scenes`). The service
writes to a copy of it. Needs Chromium, and writes `docs/*.webp`.
"""

import io
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
from PIL import Image, ImageEnhance
from playwright.sync_api import Page, ViewportSize, expect

from benchmarks.chromium import chromium
from benchmarks.services import ours
from embeddings.settings import PathSettings

_DOCS = Path(__file__).parents[1] / "docs"
_SIZE: ViewportSize = {"width": 1280, "height": 780}
_QUALITY = 70
_COPIES = 2

# Corners of the lasso, as fractions of the map.
_LASSO = ((0.05, 0.5), (0.2, 0.3), (0.45, 0.4), (0.45, 0.75), (0.25, 0.95), (0.05, 0.8))

_IMAGES_SHOWN = """() => [...document.images]
  .filter(each => each.offsetParent && each.getBoundingClientRect().top < innerHeight)
  .every(each => each.complete && each.naturalWidth > 0)"""


def main() -> None:
    """Write all screenshots."""
    with tempfile.TemporaryDirectory() as folder, _service(Path(folder)) as service:
        lakes = service.get("/ids", params={"label": "lake"}).json()["ids"]
        oceans = service.get("/ids", params={"label": "ocean"}).json()["ids"]
        for identifier in lakes[:_COPIES]:
            _add_brighter_copy(service, identifier)
        with chromium() as browser:
            context = browser.new_context(
                base_url=str(service.base_url), viewport=_SIZE, reduced_motion="reduce"
            )
            page = context.new_page()
            _show(page, "map", ".thumbnails figure img")
            _draw_lasso(page)
            _save(page, "map")
            page.get_by_role("button", name="Clear").click()
            page.reload()
            _show(page, f"image/{lakes[0]}", ".minimap canvas")
            _save(page, "neighbours")
            examples = f"like={lakes[0]}&like={lakes[1]}&unlike={oceans[0]}"
            _show(page, f"search?{examples}&split=train", ".cards figure img")
            _save(page, "search")
            _show(page, "review", ".review-item img")
            _save(page, "review")
            _show(page, "duplicates", ".review-item img")
            _save(page, "duplicates")


@contextmanager
def _service(folder: Path) -> Iterator[httpx.Client]:
    """Serve a copy of the home, which accepts changes."""
    home = folder / "home"
    shutil.copytree(PathSettings().home, home, symlinks=True)
    service = ours(home)
    settings = {**service.settings, "BELVEDERE_WRITABLE": "1"}
    with (
        replace(service, settings=settings).started() as running,
        httpx.Client(base_url=running.url, timeout=60, trust_env=False) as client,
    ):
        yield client


def _add_brighter_copy(service: httpx.Client, identifier: str) -> None:
    """Add a near-duplicate of an image."""
    image = Image.open(io.BytesIO(service.get(f"/images/{identifier}").content))
    copy = io.BytesIO()
    ImageEnhance.Brightness(image).enhance(1.15).save(copy, "JPEG", quality=90)
    params = {"label": identifier.partition("/")[0]}
    service.put(
        f"/images/{identifier}_brighter", params=params, content=copy.getvalue()
    ).raise_for_status()


def _show(page: Page, view: str, content: str) -> None:
    """Go to a view, and wait for its content."""
    page.goto(f"/#/{view}")
    expect(page.locator(content).first).to_be_visible(timeout=60_000)


def _draw_lasso(page: Page) -> None:
    page.get_by_role("button", name="Lasso").click()
    area = page.locator(".canvas-host").bounding_box()
    if area is None:
        raise RuntimeError("The map is not shown.")
    corners = [(area["x"] + x * area["width"], area["y"] + y * area["height"]) for x, y in _LASSO]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner, steps=4)
    page.mouse.up()
    expect(page.locator("#tray .selected img").first).to_be_visible(timeout=60_000)


def _save(page: Page, name: str) -> None:
    """Write a screenshot of the visible part of the page."""
    page.wait_for_function(_IMAGES_SHOWN, timeout=60_000)
    image = Image.open(io.BytesIO(page.screenshot()))
    image.convert("RGB").save(_DOCS / f"{name}.webp", quality=_QUALITY, method=6)


if __name__ == "__main__":
    main()
