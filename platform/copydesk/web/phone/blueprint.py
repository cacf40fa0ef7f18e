"""The service worker of a brand's site and its page for no connection. Source: W3C, Service Workers."""

from __future__ import annotations

from flask import Blueprint, Response

from copydesk.identity.access import Permission
from copydesk.kernel import NotFound
from copydesk.web.access import needs
from copydesk.web.page import render
from copydesk.web.site import current_site
from copydesk.web.theme import current_themes

phone = Blueprint("phone", __name__)
_WORKER = "js/worker.js"


@phone.get("/worker.js")
@needs(Permission.PUBLIC)
def worker() -> Response:
    """Serve the service worker from the root, since it may serve no more than what lies below it."""
    path = current_themes().static_file(current_site().tenant.theme, _WORKER)
    if path is None:
        raise NotFound("There is no such file.")
    response = Response(path.read_text("utf-8"), content_type="text/javascript; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache"
    return response


@phone.get("/offline")
@needs(Permission.PUBLIC)
def offline() -> str:
    """Say that there is no connection; kept by the worker when it is installed."""
    return render("phone/offline.html")
