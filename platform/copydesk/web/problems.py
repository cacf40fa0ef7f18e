"""Failures of the JSON API as problem details. Source: RFC 9457, `application/problem+json`."""

from __future__ import annotations

import json
from http import HTTPStatus

from flask import Response, request

from copydesk.kernel import Refused

API_PREFIX = "/api/v1"
CONTENT_TYPE = "application/problem+json"


def is_api() -> bool:
    """Tell whether this request is one of the API's; its addresses never lead to a page."""
    return request.path.startswith(f"{API_PREFIX}/")


def problem(error: Exception, status: int, message: str) -> Response:
    """Describe a failure: `code` is stable, `detail` a sentence for people."""
    code = error.code if isinstance(error, Refused) else HTTPStatus(status).name.lower()
    value = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": str(error) if isinstance(error, Refused) else message,
        "instance": request.path,
        "code": code,
    }
    return Response(json.dumps(value, ensure_ascii=False), status=status, content_type=CONTENT_TYPE)
