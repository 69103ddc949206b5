"""Which class and which side of a split a file's folders say."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from embeddings.photographs import Split

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
_TRAIN = frozenset({"train", "training"})
_VALIDATION = frozenset({"test", "testing", "val", "valid", "validation"})


@dataclass(frozen=True)
class Layout:
    """How a data set's folders are nested."""

    wrapper: PurePosixPath
    """Folders that hold everything and say nothing."""
    has_split: bool
    """Whether the outermost folders are a split of the user's own."""

    def label(self, path: PurePosixPath) -> str | None:
        """The class of a file, or None where it stands in no class folder."""
        folders = self._inner(path)[1 if self.has_split else 0 : -1]
        return folders[0] if folders else None

    def split(self, path: PurePosixPath) -> Split | None:
        """The user's own split of a file; None where there is none."""
        if not self.has_split:
            return None
        return "train" if self._inner(path)[0].lower() in _TRAIN else "validation"

    def identifier(self, path: PurePosixPath) -> str:
        """The path in the data set without the extension."""
        return str(PurePosixPath(*self._inner(path)).with_suffix(""))

    def _inner(self, path: PurePosixPath) -> tuple[str, ...]:
        return path.relative_to(self.wrapper).parts


def is_photograph(path: PurePosixPath) -> bool:
    """Whether a path looks like a photograph's, hidden files aside."""
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return not hidden and path.suffix.lower() in SUFFIXES


def find_layout(paths: Sequence[PurePosixPath]) -> Layout:
    """Find how the photographs among these paths are nested."""
    photographs = [path.parts for path in paths if is_photograph(path)]
    depth = 0
    while photographs and all(len(parts) > depth + 2 for parts in photographs):
        if len({parts[depth] for parts in photographs}) > 1:
            break
        depth += 1
    wrapper = PurePosixPath(*photographs[0][:depth]) if photographs else PurePosixPath()
    outermost = {parts[depth].lower() for parts in photographs if len(parts) > depth + 1}
    deep = all(len(parts) > depth + 2 for parts in photographs)
    has_split = (
        deep
        and outermost <= _TRAIN | _VALIDATION
        and bool(outermost & _TRAIN)
        and bool(outermost & _VALIDATION)
    )
    return Layout(wrapper, has_split)
