"""Where a signed-in visitor's pages listen to what concerns them; its token opens that stream and nothing else."""

from __future__ import annotations

from flask import Flask, current_app
from sqlalchemy.exc import SQLAlchemyError

from copydesk.web.clock import current_time
from copydesk.web.csrf import FormKeys
from copydesk.web.me_grant import PURPOSE, MeGrant, me_token
from copydesk.web.port import Runtime
from copydesk.web.site import current_site
from copydesk.web.visitor import current_visitor

_EXTENSION = "copydesk_me_keys"


def init_me_links(app: Flask, runtime: Runtime) -> None:
    """Hold the keys that these tokens are signed with, as those of forms are held."""
    app.extensions[_EXTENSION] = FormKeys(runtime, PURPOSE)


def live_me() -> str:
    """Return the address, "" for whoever is not signed in and while the database is away."""
    try:
        visitor, site = current_visitor(), current_site()
        if not visitor.signed_in or visitor.user_id is None or visitor.session_id is None:
            return ""
        key = _keys().key(site.tenant.slug)
    except SQLAlchemyError:
        return ""
    token = me_token(key, MeGrant(site.tenant.slug, visitor.user_id, visitor.session_id, current_time()))
    return f"{site.live_origin}/live/me?token={token}"


def _keys() -> FormKeys:
    keys = current_app.extensions[_EXTENSION]
    assert isinstance(keys, FormKeys)
    return keys
