"""Conditional requests (ETag) and content codings (gzip)."""

import re

from fastapi import Request

_ZERO_WEIGHT = re.compile(r"q=0(\.0*)?")


def is_not_modified(request: Request, etag: str) -> bool:
    """Return true if `If-None-Match` contains the entity tag, for a response with status 304."""
    tags = request.headers.get("if-none-match", "").split(",")
    return any(each.strip().removeprefix("W/") in (etag, "*") for each in tags)


def accepts_gzip(request: Request) -> bool:
    """Return true if `Accept-Encoding` permits gzip."""
    codings: dict[str, str] = {}
    for each in ",".join(request.headers.getlist("accept-encoding")).lower().split(","):
        name, _, weight = each.partition(";")
        codings[name.strip()] = weight.replace(" ", "")
    weight = codings.get("gzip", codings.get("*", "q=0"))
    return not _ZERO_WEIGHT.fullmatch(weight)


def coding_headers(is_compressed: bool) -> dict[str, str]:
    """Return the headers by which caches distinguish compressed from plain responses."""
    vary = {"Vary": "Accept-Encoding"}
    return {**vary, "Content-Encoding": "gzip"} if is_compressed else vary
