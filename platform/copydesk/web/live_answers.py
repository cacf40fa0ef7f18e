"""What live events answer with before a stream begins: its head, a refusal, and who may have it at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from aiohttp import web

from copydesk.identity.access import Permission
from copydesk.tenancy import Tenant

F = TypeVar("F", bound=Callable[..., Any])

_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Origin",
}


def declares(permission: Permission) -> Callable[[F], F]:
    """Say what a handler of live events needs; it proves that by a token of its own, for no cookie reaches it."""

    def declare(handler: F) -> F:
        handler.needs = permission  # type: ignore[attr-defined]
        return handler

    return declare


def answer_to(request: web.Request) -> web.StreamResponse:
    """Begin the answer to a page that listens."""
    origin = request.headers.get("Origin")
    cors = {"Access-Control-Allow-Origin": origin} if origin else {}
    return web.StreamResponse(headers={**_HEADERS, **cors})


def unavailable(retry_after_s: int) -> web.Response:
    """Refuse for now, and say when to ask again."""
    return web.Response(status=503, text="Service Unavailable\n", headers={"Retry-After": str(retry_after_s)})


def own_origin(tenant: Tenant, origin: str) -> bool:
    """Tell whether a page of this brand asks: scheme and port may differ, the host may not."""
    try:
        parts = urlsplit(origin)
        return parts.scheme in {"http", "https"} and parts.hostname in tenant.hosts
    except ValueError:
        return False


def wanted_locale(tenant: Tenant, asked: str) -> str:
    return asked if asked in tenant.config.locales else tenant.config.locale_default
