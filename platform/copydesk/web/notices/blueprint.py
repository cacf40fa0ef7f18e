"""The blueprint that the pages of notices join, and what they all work with."""

from __future__ import annotations

from flask import Blueprint

from copydesk.notices.settings import PRIVATE_TARGETS
from copydesk.tenancy import installation_value
from copydesk.web.asking import runtime
from copydesk.web.headers import leave_no_copy

HOME = "/notices"
SETTINGS = f"{HOME}/settings"
_ID_MAX = 2**63 - 1

notices = Blueprint("notices", __name__, url_prefix=HOME)
notices.after_request(leave_no_copy)


def private_targets() -> bool:
    """Tell whether this installation lets messages go into private networks, as its tests do."""
    return installation_value(runtime().directory.defaults, PRIVATE_TARGETS, bool)


def known_id(number: int) -> int:
    """Return the number of a row; one that no row can have is nobody's."""
    return number if number <= _ID_MAX else 0
