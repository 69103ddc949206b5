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


def with_section(page: str, lines: Sequence[str]) -> str:
    """Return a page with a section, in place of an earlier one with the same heading if any."""
    text = "\n".join(spaced(lines))
    before, heading, earlier = page.partition(f"{lines[0]}\n")
    if not heading:
        return f"{page.rstrip()}\n\n{text}"
    _, following, rest = earlier.partition("\n## ")
    return f"{before}{text}{following}{rest}"
