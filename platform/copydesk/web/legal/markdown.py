"""Turns an author's Markdown into a page: headings, lists, tables, links to the web and to mail; no HTML, no pictures.

Nothing that an author writes becomes a tag of their own: HTML is shown as the text that it is, and a link to anything
but http, https, mailto or a page of this site stays text. Source: the CommonMark specification, 0.31.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from markupsafe import Markup

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_SCHEMES = frozenset({"http", "https", "mailto"})
_HEADINGS = frozenset({"heading_open", "heading_close"})
_LEVEL_MAX = 6


def rendered(markdown: str) -> Markup:
    """Return the page's part that this Markdown is; its headings stand below the page's own."""
    reader = _reader()
    tokens = reader.parse(markdown)
    for token in tokens:
        if token.type in _HEADINGS:
            token.tag = f"h{min(int(token.tag[1]) + 1, _LEVEL_MAX)}"
    return Markup(reader.renderer.render(tokens, reader.options, {}))  # noqa: S704 - HTML is off; see `_reader`


@cache
def _reader() -> MarkdownIt:
    # Only who shows a text pays for the import.
    from markdown_it import MarkdownIt

    class Reader(MarkdownIt):
        """Leads nowhere but to the web, to mail and to pages of this site."""

        def validateLink(self, url: str) -> bool:  # noqa: N802 - the library's name
            return _may_lead_to(url)

    reader = Reader("commonmark", {"html": False, "linkify": False, "typographer": False})
    reader.enable("table").disable("image")
    return reader


def _may_lead_to(address: str) -> bool:
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return False
    if not parts.scheme and not parts.netloc:
        return not address.startswith(("//", "\\"))
    return parts.scheme.lower() in _SCHEMES
