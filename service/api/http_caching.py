"""Copies that callers keep, and answers that are sent to them compressed."""

import re

from fastapi import Request

_NOTHING = re.compile(r"q=0(\.0*)?")


def is_current(request: Request, etag: str) -> bool:
    """Whether the caller has the copy that this entity tag names."""
    known = request.headers.get("if-none-match", "").split(",")
    return any(each.strip().removeprefix("W/") in (etag, "*") for each in known)


def takes_gzip(request: Request) -> bool:
    """Whether the caller reads what is compressed with gzip."""
    codings: dict[str, str] = {}
    for each in ",".join(request.headers.getlist("accept-encoding")).lower().split(","):
        name, _, weight = each.partition(";")
        codings[name.strip()] = weight.replace(" ", "")
    weight = codings.get("gzip", codings.get("*", "q=0"))
    return not _NOTHING.fullmatch(weight)


def coding_headers(is_compressed: bool) -> dict[str, str]:
    """What an answer says that is compressed for those who read that; proxies keep both apart."""
    varying = {"Vary": "Accept-Encoding"}
    return {**varying, "Content-Encoding": "gzip"} if is_compressed else varying
