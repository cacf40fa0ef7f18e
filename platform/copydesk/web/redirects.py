"""Where a visitor may be sent next: a page of the same site, whatever the address that they brought says."""

from __future__ import annotations

from urllib.parse import urlsplit

HOME = "/"
_LENGTH_MAX = 2_000


def safe_next(text: str | None, otherwise: str = HOME) -> str:
    """Return the local path (with its query) that `text` names, else `otherwise`.

    A browser reads `//host`, `/\\host` and `/<tab>/host` as another site, and takes control characters out before it
    reads; a path that holds any of that, or is longer than any of ours, is not followed. Source: WHATWG URL, 4.4.
    """
    asked = text or ""
    local = asked.startswith("/") and not asked.startswith("//") and "\\" not in asked
    return asked if local and asked.isprintable() and len(asked) <= _LENGTH_MAX else otherwise


def safe_referrer(referrer: str | None) -> str:
    """Return the path of the page that the visitor came from, without its query; `HOME` for what is no address."""
    try:
        return safe_next(urlsplit(referrer or "").path)
    except ValueError:
        return HOME
