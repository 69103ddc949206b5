"""Copies that callers keep: whether theirs is still right."""

from fastapi import Request


def is_current(request: Request, etag: str) -> bool:
    """Whether the caller has the copy that this entity tag names."""
    known = request.headers.get("if-none-match", "").split(",")
    return any(each.strip().removeprefix("W/") in (etag, "*") for each in known)
