"""Tables in Markdown."""

from collections.abc import Sequence


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, words: int = 1) -> list[str]:
    """Return the lines of a table; columns after the first `words` are right-aligned figures."""
    sides = [*["---"] * words, *["---:"] * (len(header) - words)]
    return [f"| {' | '.join(row)} |" for row in (header, sides, *rows)]


def spaced(lines: Sequence[str]) -> list[str]:
    """Return the lines with blank lines between paragraphs, but not within tables and lists."""
    spaced: list[str] = []
    for line in lines:
        if spaced and not (line[:1] == spaced[-1][:1] and line[:1] in "|-"):
            spaced.append("")
        spaced.append(line)
    return [*spaced, ""]
