"""Names cookies so that a browser guards them: `__Host-` over TLS, which no other host and no plain answer can write.

Over plain http, which only a developer's own machine speaks, a browser may refuse that prefix; the name goes without.
Source: RFC 6265bis, 4.1.3.2 (the "__Host-" prefix).
"""

from __future__ import annotations

from flask import Response, request

_PREFIX = "__Host-"


def cookie_name(name: str) -> str:
    """Return the name under which this request's browser holds a cookie of ours."""
    return f"{_PREFIX}{name}" if request.is_secure else name


def read_cookie(name: str) -> str:
    """Return what the browser brought under our name, "" where it brought nothing."""
    return request.cookies.get(cookie_name(name), "")


def set_cookie(response: Response, name: str, value: str, *, age_s: int | None = None) -> None:
    """Leave a value with the browser: no script reads it, no other site's form sends it; gone with the browser
    unless `age_s` says otherwise."""
    response.set_cookie(
        cookie_name(name), value, max_age=age_s, path="/", secure=request.is_secure, httponly=True, samesite="Lax"
    )


def drop_cookie(response: Response, name: str) -> None:
    """Have the browser forget a cookie of ours."""
    response.delete_cookie(cookie_name(name), path="/", secure=request.is_secure, httponly=True, samesite="Lax")
