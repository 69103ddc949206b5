"""Tables in Markdown."""

from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, words: int = 1) -> list[str]:
    """A table, line by line; the first columns hold words, the others figures set to the right."""
    sides = [*["---"] * words, *["---:"] * (len(header) - words)]
    return [f"| {' | '.join(row)} |" for row in (header, sides, *rows)]
