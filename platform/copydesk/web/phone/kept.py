"""Tells the service worker whose page an answer is, so that it never shows one person's to another."""

from __future__ import annotations

from hashlib import sha256

from flask import Flask, Response, g, request

from copydesk.identity import Visitor
from copydesk.web.site import site_or_none

READER = "Page-Reader"
_CHARS = 16


def init_kept_pages(app: Flask) -> None:
    """Put the tag of the session on every page that somebody signed in sees."""

    @app.after_request
    def _tag(response: Response) -> Response:
        if response.mimetype == "text/html" and request.method == "GET" and (tag := reader_tag()):
            response.headers[READER] = tag
        return response


def reader_tag() -> str:
    """Return a name of this session that says nothing else; "" for who is not signed in, or was not looked up."""
    site, visitor = site_or_none(), g.get("visitor")
    if site is None or not isinstance(visitor, Visitor) or not visitor.signed_in:
        return ""
    whose = f"{site.tenant.slug}:{visitor.user_id}:{visitor.session_id}"
    return sha256(whose.encode()).hexdigest()[:_CHARS]
