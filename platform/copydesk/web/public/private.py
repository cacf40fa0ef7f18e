"""Private strategies: their pages are not there for anybody whom the trader has not invited."""

from __future__ import annotations

from flask import Flask, request

from copydesk.kernel import NotFound
from copydesk.studio.inviting import hidden_slugs
from copydesk.web.database import brand_session
from copydesk.web.visitor import current_visitor

_ASKING = frozenset({"public", "api", "copying", "watching"})


def init_private(app: Flask) -> None:
    """Answer that there is no such strategy wherever an address names one that the visitor may not see."""

    @app.before_request
    def _hide() -> None:
        if request.blueprint not in _ASKING:
            return
        named = [value for name, value in (request.view_args or {}).items() if name == "slug"]
        named += request.args.getlist("s")
        slugs = [slug for one in named for slug in str(one).split(",")]
        if slugs and hidden_slugs(brand_session(), slugs, _viewer()):
            raise NotFound("There is no such strategy.")


def _viewer() -> int | None:
    visitor = current_visitor()
    return visitor.user_id if visitor.signed_in else None
