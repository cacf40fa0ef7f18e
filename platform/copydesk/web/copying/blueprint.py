"""The blueprint that the pages of beginning to copy join."""

from __future__ import annotations

from flask import Blueprint

from copydesk.web.headers import leave_no_copy

copying = Blueprint("copying", __name__)
copying.after_request(leave_no_copy)
