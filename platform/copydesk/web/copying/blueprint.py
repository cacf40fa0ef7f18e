"""The blueprint that the pages of beginning to copy join, and what they all work with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, current_app, g

from copydesk.db import TenantSession
from copydesk.web.database import whole_database
from copydesk.web.headers import leave_no_copy
from copydesk.web.port import Runtime
from copydesk.web.visitor import current_visitor

UNPROCESSABLE = 422
SEE_OTHER = 303

copying = Blueprint("copying", __name__)
copying.after_request(leave_no_copy)


@contextmanager
def transaction() -> Iterator[TenantSession]:
    """Open a transaction of the brand; it commits at the end."""
    with whole_database().tenant(g.tenant_id) as session:
        yield session


def own_id() -> int:
    """Return who wants to copy: the visitor, always."""
    user_id = current_visitor().user_id
    assert user_id is not None, "a page of copying was shown to nobody"
    return user_id


def runtime() -> Runtime:
    """Return the installation."""
    made: Runtime = current_app.extensions["copydesk_runtime"]
    return made
