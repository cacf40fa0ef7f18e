"""Security headers of every answer. Sources: CSP Level 3 (W3C), Fetch Metadata, OWASP secure headers, RFC 6797."""

from __future__ import annotations

import secrets

from flask import Flask, Response, g, request

from copydesk.kernel import NotPermitted
from copydesk.tenancy import HSTS_PRELOAD, setting_value
from copydesk.web.cookies import read_cookie
from copydesk.web.csrf import SESSION_COOKIE
from copydesk.web.site import site_or_none

_NONCE_BYTES = 16
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# What a page of ours may ask a browser for: passkeys, and nothing else that a policy can name.
_OWN = ("publickey-credentials-create", "publickey-credentials-get")
_NONE = (
    *("accelerometer", "autoplay", "browsing-topics", "camera", "clipboard-read", "compute-pressure"),
    *("cross-origin-isolated", "display-capture", "encrypted-media", "fullscreen", "gamepad"),
    *("geolocation", "gyroscope", "hid", "identity-credentials-get", "idle-detection", "keyboard-map"),
    *("local-fonts", "magnetometer", "microphone", "midi", "otp-credentials", "payment"),
    *("picture-in-picture", "private-state-token-issuance", "private-state-token-redemption"),
    *("screen-wake-lock", "serial", "speaker-selection", "storage-access", "sync-xhr", "unload"),
    *("usb", "window-management", "xr-spatial-tracking"),
)
_FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Permitted-Cross-Domain-Policies": "none",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Origin-Agent-Cluster": "?1",
    "Permissions-Policy": ", ".join(
        sorted([*(f"{name}=(self)" for name in _OWN), *(f"{name}=()" for name in _NONE)]),
    ),
}
# An image opened on its own must stay an image, even an SVG with a script in it.
FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
_HSTS = "max-age=63072000; includeSubDomains"
_PUBLIC = frozenset({"public"})  # Blueprints whose pages show everybody the same.


def leave_no_copy(response: Response) -> Response:
    """Have browsers keep nothing of a page."""
    response.headers["Cache-Control"] = "no-store"
    return response


def leave_no_trace(response: Response) -> Response:
    """Have browsers keep nothing of a page, nor tell its address to another: it may name a person or hold a token."""
    response.headers["Referrer-Policy"] = "no-referrer"
    return leave_no_copy(response)


def csp_nonce() -> str:
    """Return this answer's nonce for inline `<style>` and `<script>`."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(_NONCE_BYTES)
    return str(g.csp_nonce)


def page_policy() -> str:
    """Write the content security policy of a page: our own files, nonced blocks, and the live events' origin."""
    site = site_or_none()
    nonce = f"'nonce-{csp_nonce()}'"
    connect = f"'self' {site.live_origin}" if site else "'self'"
    parts = [
        "default-src 'none'",
        f"script-src 'self' {nonce}",
        f"style-src 'self' {nonce}",
        "img-src 'self' data:",
        "font-src 'self'",
        "manifest-src 'self'",
        f"connect-src {connect}",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
    return "; ".join([*parts, "upgrade-insecure-requests"] if request.is_secure else parts)


def clear_site_data(response: Response) -> Response:
    """Have the browser throw away what it kept of the site; for the answer that ends a session.

    Cookies are left to the answer itself: browsers would clear those of the whole domain, which may serve other sites.
    """
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def init_headers(app: Flask) -> None:
    """Refuse changes that another site's page asks for, and put the headers on every answer."""

    @app.before_request
    def _same_site_changes_only() -> None:
        if request.method not in _SAFE_METHODS and not _from_our_pages():
            raise NotPermitted("This form was sent from another site.")

    @app.after_request
    def _set_headers(response: Response) -> Response:
        for name, value in _FIXED.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Content-Security-Policy", page_policy())
        _set_privacy(response)
        if request.is_secure:
            response.headers.setdefault("Strict-Transport-Security", _transport_policy())
        return response


def _from_our_pages() -> bool:
    """Tell whether a change was asked for by a page of this very origin, as far as the browser says.

    A page that tells nobody its address hides it in `Origin` too; no page can write `Sec-Fetch-Site`.
    """
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if site in {"cross-site", "same-site"}:
        return False
    if origin is None or (origin == "null" and site == "same-origin"):
        return True
    scheme, _, host = origin.partition("://")
    return host == request.host and (scheme == "https" or not request.is_secure)


def _set_privacy(response: Response) -> None:
    """Leave no copy of a page that is somebody's, and tell nobody else that they were there.

    Whoever has a session sees their own pages everywhere. Other pages may be kept if they are asked for anew.
    """
    private = bool(read_cookie(SESSION_COOKIE)) or (request.blueprint or "public") not in _PUBLIC
    referrer = "same-origin" if private else "strict-origin-when-cross-origin"
    response.headers.setdefault("Referrer-Policy", referrer)
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store" if private else "private, no-cache"
        response.vary.update(("Cookie", "Accept-Language"))


def _transport_policy() -> str:
    """Write for how long a browser takes TLS alone; a brand that asks browsers to ship its name says so here."""
    site = site_or_none()
    return f"{_HSTS}; preload" if site and setting_value(site.tenant, HSTS_PRELOAD, bool) else _HSTS
