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
}


def declares(permission: Permission) -> Callable[[F], F]:
    """Say what a handler of live events needs; it proves that by a token of its own, for no cookie reaches it."""

    def declare(handler: F) -> F:
        handler.needs = permission  # type: ignore[attr-defined]
        return handler

    return declare


def stream_answer() -> web.StreamResponse:
    """Begin the answer to a page that listens."""
    return web.StreamResponse(headers=_HEADERS)


def let_read(response: web.StreamResponse, tenant: Tenant | None, origin: str | None) -> None:
    """Let a page of the brand read what it is answered, refusals included; no other site's page may."""
    response.headers["Vary"] = "Origin"
    if tenant is not None and origin is not None and own_origin(tenant, origin):
        response.headers["Access-Control-Allow-Origin"] = origin


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
