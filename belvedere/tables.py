"""Tables of dataset versions and of their differences for the console."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from embeddings.file_names import printable
from embeddings.store.versions import DatasetVersion, Difference

_NO_LABEL = "(without label)"


def show_versions(versions: Sequence[DatasetVersion], console: Console) -> None:
    """Print a line for each dataset version, the oldest first.

    The last column has the change of each class against the line above.
    """
    shown = Table()
    for heading in ("revision", "date (UTC)", "images", "tags", "classes changed"):
        shown.add_column(heading, justify="right" if heading in {"revision", "images"} else "left")
    before: dict[str, int] = {}
    for version in versions:
        shown.add_row(
            str(version.revision),
            f"{version.created:%Y-%m-%d %H:%M}",
            str(version.images),
            _text("\n".join(version.tags)),
            _text(_class_changes(before, version.classes)),
        )
        before = version.classes
    console.print(shown)


def show_difference(difference: Difference, console: Console) -> None:
    """Print the numbers of changed images for each class, and each change of a label."""
    numbers = ("added", "removed", "replaced", "moved_to_pool")
    shown = Table(title=f"Revision {difference.before} to revision {difference.after}")
    for heading in ("class", "added", "removed", "replaced", "moved to pool"):
        shown.add_column(heading, justify="left" if heading == "class" else "right")
    for label, counts in difference.by_class.items():
        shown.add_row(_text(label), *(str(counts[name] or "") for name in numbers))
    shown.add_section()
    shown.add_row("images", *(str(len(getattr(difference, name))) for name in numbers))
    console.print(shown)
    if difference.kept:
        console.print(_text(f"Labels kept by a review: {len(difference.kept)}."))
    if difference.relabelled:
        console.print(
            _text(f"Relabelled: {len(difference.relabelled)}; each counts for both classes above.")
        )
    for each in difference.relabelled:
        before, after = each.before or _NO_LABEL, each.after or _NO_LABEL
        console.print(_text(f"  {each.id}: {before} → {after}"), soft_wrap=True)


def _class_changes(before: dict[str, int], after: dict[str, int]) -> str:
    changes = {
        label: after.get(label, 0) - before.get(label, 0)
        for label in sorted(before.keys() | after.keys())
    }
    return ", ".join(f"{label} {change:+d}" for label, change in changes.items() if change)


def _text(content: str) -> Text:
    # Text, because a name such as `[old]` or `:dog:` must not be parsed as markup.
    return Text("\n".join(map(printable, content.split("\n"))))
