"""The blueprints of the JSON API, and what all of its answers have in common: ETag, and how long they are good."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request

from copydesk.kernel import NotFound
from copydesk.tenancy import FEATURE_API, setting_value
from copydesk.web.problems import API_PREFIX
from copydesk.web.site import site_or_none

FRESH_S = 15

api = Blueprint("api", __name__, url_prefix=API_PREFIX)
own_api = Blueprint("own_api", __name__, url_prefix=f"{API_PREFIX}/me")


@api.before_request
@own_api.before_request
def _offered() -> None:
    site = site_or_none()
    if site is None or not setting_value(site.tenant, FEATURE_API, bool):
        raise NotFound("This site does not have that page.")


def answer(value: Mapping[str, Any], *, private: bool = False) -> Response:
    """Send a value with its ETag, or 304 where the asker has it already.

    The ETag is of the value itself, which carries `as_of`: it changes when a figure does, and not before. What is
    somebody's own is kept nowhere.
    """
    response = Response(
        json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")), content_type="application/json"
    )
    if private:
        response.headers["Cache-Control"] = "no-store"
        return response
    response.headers["Cache-Control"] = f"public, max-age={FRESH_S}"
    response.add_etag()
    response.make_conditional(request)
    return response
