"""Turns every failure into a page: the brand's own where there is one, a neutral one elsewhere.

The only place in the web layer that catches everything. No answer shows a traceback or names the product.
"""

from __future__ import annotations

import logging
from http import HTTPStatus

from flask import Flask, Response, g, jsonify, make_response, request
from flask_babel import gettext  # type: ignore[import-untyped]
from jinja2 import TemplateError
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from copydesk.kernel import NotPermitted, OutcomeUnknown, Refused, Unavailable
from copydesk.web.client import client_ip
from copydesk.web.page import render
from copydesk.web.problems import is_api, problem
from copydesk.web.return_words import TurnedBack, turned_back
from copydesk.web.site import site_or_none
from copydesk.web.suspended import SitePaused, paused_words

log = logging.getLogger(__name__)

_RETRY_AFTER_S = 5
_NEUTRAL = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
</head>
<body><main><h1>{title}</h1></main></body>
</html>
"""


def init_errors(app: Flask) -> None:
    """Register the one translator of failures."""
    app.register_error_handler(Exception, _answer)


def _answer(error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.code is not None and error.code < HTTPStatus.BAD_REQUEST:
        return make_response(error)
    status = _status(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, HTTPException | SitePaused):
        # The route, not the path that was asked for: that one may hold the token of a link in a mail.
        log.error("%s %s failed", request.method, request.url_rule, exc_info=error)
    elif isinstance(error, NotPermitted):
        who = getattr(g.get("visitor"), "user_id", None)
        said = (request.method, request.url_rule, error.code, g.get("tenant_id"), who, client_ip())
        log.warning("%s %s refused: %s, brand %s, user %s, address %s", *said)
    response = _branded(error, status) if site_or_none() else _neutral(status)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = str(round(getattr(error, "retry_after_s", _RETRY_AFTER_S)) or 1)
    if isinstance(error, HTTPException):
        response.headers.extend((k, v) for k, v in error.get_headers() if k == "Allow")
    return response


def _status(error: Exception) -> int:
    match error:
        case HTTPException(code=int(code)):
            return code
        case Refused():
            return error.http_status
        case Unavailable() | OutcomeUnknown() | OperationalError():
            return HTTPStatus.SERVICE_UNAVAILABLE
        case _:
            return HTTPStatus.INTERNAL_SERVER_ERROR


def _branded(error: Exception, status: int) -> Response:
    title, message = _texts(error, status)
    if is_api():
        return problem(error, status, message)
    if request.path.endswith(".json"):
        return jsonify(error=getattr(error, "code", None) if isinstance(error, Refused) else status, message=message)
    way = turned_back(error, g.get("led_to")) if isinstance(error, Refused) else None
    try:
        return make_response(_page(title, message, status, way))
    except (TemplateError, OSError) as broken:
        # The error page itself can be what is broken; a bare page still says what happened.
        log.error("the error page cannot be rendered", exc_info=broken)
        return _neutral(status)


def _page(title: str, message: str, status: int, way: TurnedBack | None) -> str:
    template = "not_found.html" if status == HTTPStatus.NOT_FOUND else "error.html"
    if way is not None:
        title, message = way.title, way.message
    return render(template, status=status, title=title, message=message, way=way, addressed=lambda: None)


def _neutral(status: int) -> Response:
    g.pop("site", None)
    return make_response(_NEUTRAL.format(title=HTTPStatus(status).phrase))


def _texts(error: Exception, status: int) -> tuple[str, str]:
    """Choose title and sentence; only a `Refused` speaks for itself, everything else says nothing of its inside."""
    if isinstance(error, SitePaused):
        return paused_words()
    if status == HTTPStatus.NOT_FOUND:
        return gettext("Page not found"), gettext("There is nothing at this address. It may have moved.")
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return gettext("Not available right now"), gettext("This page cannot be shown at the moment. Try again soon.")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return gettext("Something went wrong"), gettext("The fault is ours and has been recorded. Try again soon.")
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        limit = (request.max_content_length or 0) // 1024
        return gettext("This is too large"), gettext("Send at most %(limit)s KiB here.", limit=limit)
    message = str(error) if isinstance(error, Refused) else ""
    return gettext("This did not work"), message or gettext("The request could not be understood.")
