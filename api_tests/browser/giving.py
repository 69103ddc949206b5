"""Giving a photograph to the page, as people do."""

import base64

from playwright.sync_api import FilePayload, JSHandle, Page

_TRANSFER = """files => {
  const transfer = new DataTransfer();
  for (const [data, name, type] of files) {
    const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type }));
  }
  return transfer;
}"""
_PASTE = """transfer => document.body.dispatchEvent(
  new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true })
)"""


def payload(file: bytes) -> FilePayload:
    """What Playwright puts into the page's field for files."""
    return {"name": "mine.jpg", "mimeType": "image/jpeg", "buffer": file}


def transferred(page: Page, *files: bytes) -> JSHandle:
    """What the browser hands over when these files are dropped or pasted."""
    given = [[base64.b64encode(each).decode(), "mine.jpg", "image/jpeg"] for each in files]
    return page.evaluate_handle(_TRANSFER, given)


def drop(page: Page, *files: bytes) -> None:
    """Let files fall onto the page."""
    page.dispatch_event("body", "drop", {"dataTransfer": transferred(page, *files)})


def paste(page: Page, *files: bytes) -> None:
    """Paste files."""
    page.evaluate(_PASTE, transferred(page, *files))


def choose(page: Page, file: bytes) -> None:
    """Choose a file with the button in the page's head."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Try a photograph").click()
    chooser.value.set_files(payload(file))
