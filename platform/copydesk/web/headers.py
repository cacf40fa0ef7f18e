"""Security headers of every answer. Sources: CSP Level 3 (W3C), Fetch Metadata, OWASP secure headers."""

from __future__ import annotations

import secrets

from flask import Flask, Response, g, request

from copydesk.kernel import NotPermitted
from copydesk.web.site import site_or_none

_NONCE_BYTES = 16
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
# An image opened on its own must stay an image, even an SVG with a script in it.
FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
_HSTS = "max-age=31536000"


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
    return "; ".join(
        (
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
        )
    )


def init_headers(app: Flask) -> None:
    """Refuse changes that another site's page asks for, and put the headers on every answer."""

    @app.before_request
    def _same_site_changes_only() -> None:
        if request.method in _SAFE_METHODS:
            return
        origin = request.headers.get("Origin")
        # A page that tells nobody its address hides it here too; no page can write the other header.
        if origin == "null" and request.headers.get("Sec-Fetch-Site") == "same-origin":
            return
        if origin is not None and origin.partition("://")[2] != request.host:
            raise NotPermitted("This form was sent from another site.")

    @app.after_request
    def _set_headers(response: Response) -> Response:
        for name, value in _FIXED.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Content-Security-Policy", page_policy())
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "private, no-cache"
            response.vary.update(("Cookie", "Accept-Language"))
        if request.is_secure:
            response.headers.setdefault("Strict-Transport-Security", _HSTS)
        return response
