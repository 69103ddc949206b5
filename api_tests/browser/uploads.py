"""Uploads to the page: by drag and drop, by paste, and with the file dialog."""

import base64

from playwright.sync_api import FilePayload, JSHandle, Page

_DATA_TRANSFER = """files => {
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
    """Return a file for the page's file input."""
    return {"name": "mine.jpg", "mimeType": "image/jpeg", "buffer": file}


def data_transfer(page: Page, *files: bytes) -> JSHandle:
    """Create the `DataTransfer` object of a drop or paste event."""
    encoded = [[base64.b64encode(each).decode(), "mine.jpg", "image/jpeg"] for each in files]
    return page.evaluate_handle(_DATA_TRANSFER, encoded)


def drop(page: Page, *files: bytes) -> None:
    """Drop files on the page."""
    page.dispatch_event("body", "drop", {"dataTransfer": data_transfer(page, *files)})


def paste(page: Page, *files: bytes) -> None:
    """Paste files."""
    page.evaluate(_PASTE, data_transfer(page, *files))


def choose(page: Page, file: bytes) -> None:
    """Choose a file in the dialog of the button in the header."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload an image").click()
    chooser.value.set_files(payload(file))
