"""The reference as one page of HTML without any script."""

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from service.reference.curl import curl
from service.reference.structure import Field, Group, Kind, Operation, Record, Reference

_CODE = re.compile("`([^`]+)`")


def page(reference: Reference, address: str, style: str) -> str:
    """The page: `address` is where the service is asked, `style` the path of its style sheet."""
    title = escape(reference.title)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f'<title>{title}: the calls</title>\n<link rel="stylesheet" href="{escape(style)}">\n'
        f"</head>\n<body>\n{_navigation(reference)}\n<main>\n"
        + "\n".join(_parts(reference, address))
        + "\n</main>\n</body>\n</html>\n"
    )


def _navigation(reference: Reference) -> str:
    groups = "\n".join(_entries(group) for group in reference.groups)
    return (
        f'<nav aria-label="Calls">\n<a class="home" href="#top">{escape(reference.title)}</a>\n'
        f'{groups}\n<p><a href="#errors">What errors mean</a></p>\n'
        '<p><a href="#records">Records within answers</a></p>\n'
        "</nav>"
    )


def _entries(group: Group) -> str:
    lines = "".join(
        f'<li><a href="#call-{each.name}">{_method(each)} <span>{_path(each.path)}</span></a></li>'
        for each in group.operations
    )
    return f"<p>{escape(group.name.capitalize())}</p>\n<ul>{lines}</ul>"


def _parts(reference: Reference, address: str) -> Iterator[str]:
    yield f'<h1 id="top">{escape(reference.title)}</h1>'
    yield from (f"<p>{_inline(text)}</p>" for text in reference.paragraphs)
    yield '<p>The same for machines: <a href="openapi.json">openapi.json</a>.</p>'
    for group in reference.groups:
        yield f"<h2>{escape(group.name.capitalize())}</h2>"
        yield f"<p>{_inline(group.description)}</p>"
        for operation in group.operations:
            yield from _operation(operation, address)
    yield '<h2 id="errors">What errors mean</h2>'
    yield "<p>Every error is a problem with these fields:</p>"
    yield _fields(reference.problem)
    yield _table(("status", "when"), (_error(*each) for each in reference.errors))
    yield '<h2 id="records">Records within answers</h2>'
    for record in reference.records:
        yield f'<h3 id="{_anchor(record.name)}">{escape(record.name)}</h3>'
        yield f"<p>{_inline(record.description)}</p>"
        yield _fields(record)


def _operation(operation: Operation, address: str) -> Iterator[str]:
    yield f'<article id="call-{operation.name}">'
    yield f"<h3>{escape(operation.summary)}</h3>"
    yield f'<p class="call">{_method(operation)} <code>{_path(operation.path)}</code></p>'
    yield f"<p>{_inline(operation.description)}</p>"
    if operation.guarded:
        yield "<p>Asks for the key of the service, where it has one.</p>"
    if operation.parameters:
        yield _parameters(operation.parameters)
    if operation.body is not None:
        kinds = _codes(operation.body.media_types)
        yield f"<p><b>Body</b> ({kinds}): {_inline(operation.body.description)}</p>"
    yield f"<pre><code>{escape(curl(operation, address))}</code></pre>"
    if operation.method == "GET":
        yield f'<p><a href=".{escape(operation.example)}">The answer to this example</a></p>'
    answer = operation.answer
    yield f"<p><b>Answer</b> ({_codes(answer.media_types)}): {_inline(answer.description)}</p>"
    if answer.record is not None:
        yield _fields(answer.record)
    errors = ", ".join(_link(f"error-{code}", code) for code in operation.errors if code[0] != "d")
    if errors:
        yield f"<p><b>Errors</b>: {errors}</p>"
    yield "</article>"


def _parameters(parameters: Sequence[Field]) -> str:
    rows = (
        (
            f"<code>{escape(each.name)}</code>",
            _kind(each.kind),
            _given(each),
            _inline(each.description),
        )
        for each in parameters
    )
    return _table(("parameter", "kind", "default", "what"), rows)


def _given(parameter: Field) -> str:
    if parameter.required:
        return "required"
    return "none" if parameter.default is None else f"<code>{escape(parameter.default)}</code>"


def _fields(record: Record) -> str:
    rows = (
        (f"<code>{escape(each.name)}</code>", _kind(each.kind), _inline(each.description))
        for each in record.fields
    )
    return _table(("field", "kind", "what"), rows)


def _error(code: str, text: str) -> tuple[str, str]:
    name = "other" if code == "default" else code
    return (f'<span id="error-{code}">{name}</span>', _inline(text))


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in header)
    body = "\n".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return (
        f'<div class="table"><table>\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>\n</table></div>"
    )


def _kind(kind: Kind) -> str:
    return _inline(kind.text).format(kind.record and _link(_anchor(kind.record), kind.record))


def _method(operation: Operation) -> str:
    return f'<b class="{operation.method.lower()}">{operation.method}</b>'


def _path(path: str) -> str:
    """A path that may be broken before its slashes."""
    return escape(path).replace("/", "<wbr>/")


def _codes(texts: Iterable[str]) -> str:
    return ", ".join(f"<code>{escape(text)}</code>" for text in texts)


def _link(anchor: str, text: str) -> str:
    return f'<a href="#{anchor}">{escape(text)}</a>'


def _anchor(record: str) -> str:
    return f"record-{record}"


def _inline(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text, quote=False))
