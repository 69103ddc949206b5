"""Tables in Markdown."""

from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, words: int = 1) -> list[str]:
    """Return the lines of a table; columns after the first `words` are right-aligned figures."""
    sides = [*["---"] * words, *["---:"] * (len(header) - words)]
    return [f"| {' | '.join(row)} |" for row in (header, sides, *rows)]
