"""The live page of the lab: books, accounts and the journal's end, drawn by a script from the control API.

The page itself holds nothing secret and is given to anyone; the token is asked for, or taken from the address's
fragment, which browsers do not send.
"""

from __future__ import annotations

from pathlib import Path

from copydesk.venues.lab.server import Answer, Request

_FOLDER = Path(__file__).parent
_TYPES = {".html": b"text/html; charset=utf-8", ".css": b"text/css; charset=utf-8", ".js": b"text/javascript"}
_HEADERS = (
    b"Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    b"img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
    b"X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nCache-Control: no-store\r\n"
)
_FILES = {
    "/" if path.name == "index.html" else f"/{path.name}": Answer(
        200, path.read_bytes(), headers=_HEADERS, content_type=_TYPES[path.suffix]
    )
    for path in sorted(_FOLDER.iterdir())
    if path.suffix in _TYPES
}
_NOT_FOUND = Answer(404, b'{"error":"expected / for the live page or a call under /lab/v1/"}')


def page(request: Request) -> Answer:
    """Return a file of the page."""
    found = _FILES.get(request.path)
    return found if found is not None and request.method == "GET" else _NOT_FOUND
