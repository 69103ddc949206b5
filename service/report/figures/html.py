"""HTML elements for notebooks: text is escaped; readable without styles."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True, repr=False)
class Fragment:
    """HTML that a notebook displays; a plain string beside it is text and is escaped."""

    html: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return "HTML"


Part = str | Fragment


def element(tag: str, *parts: Part, **attributes: str) -> Fragment:
    """Return an element with attributes and content."""
    inner = "".join(_html(part) for part in parts)
    return Fragment(f"<{tag}{_attributes(attributes)}>{inner}</{tag}>")


def void(tag: str, **attributes: str) -> Fragment:
    """Return an element without content, such as an image."""
    return Fragment(f"<{tag}{_attributes(attributes)}>")


def joined(parts: Iterable[Part], separator: Part = "") -> Fragment:
    """Return the parts joined in order."""
    return Fragment(_html(separator).join(_html(part) for part in parts))


def paragraph(*parts: Part) -> Fragment:
    """Return a paragraph."""
    return element("p", *parts)


def strong(text: str) -> Fragment:
    """Return emphasised text."""
    return element("strong", text)


def bullets(items: Iterable[Part]) -> Fragment:
    """Return an unordered list."""
    return element("ul", *(element("li", item) for item in items))


def link(url: str | None, text: str) -> Part:
    """Return a link; the text alone if the address is not an HTTP address."""
    if url is None or not url.startswith(("https://", "http://")):
        return text
    return element("a", text, href=url)


def table(header: Sequence[str], rows: Iterable[Sequence[Part]], text_columns: int = 1) -> Fragment:
    """Return a table; the first columns hold text, the others numbers."""

    def line(tag: str, parts: Sequence[Part]) -> Fragment:
        sides = ("left" if number < text_columns else "right" for number in range(len(parts)))
        return element(
            "tr",
            *(
                element(tag, part, align=side, style=f"text-align:{side};vertical-align:top")
                for part, side in zip(parts, sides, strict=True)
            ),
        )

    body = element("tbody", *(line("td", row) for row in rows))
    return element("table", element("thead", line("th", header)), body)


def _html(part: Part) -> str:
    return part.html if isinstance(part, Fragment) else escape(part, quote=False)


def _attributes(attributes: dict[str, str]) -> str:
    return "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())
