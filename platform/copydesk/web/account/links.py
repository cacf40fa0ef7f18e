"""The answer to a link out of a mail that is over: what it was, and where to get a new one."""

from __future__ import annotations

from http import HTTPStatus

from flask import Response, make_response

from copydesk.web.page import render


def link_over(what: str) -> Response:
    """Say that a link was used or is too old; `what` is "verify", "reset" or "invite"."""
    return make_response(render("account/link_over.html", what=what), HTTPStatus.GONE)
