"""The blueprints of staff pages and of the access pages of one's own account. Browsers keep nothing of either."""

from __future__ import annotations

from flask import Blueprint

from copydesk.web.headers import leave_no_trace

staff = Blueprint("staff", __name__, url_prefix="/staff")
own_access = Blueprint("own_access", __name__, url_prefix="/account")
staff.after_request(leave_no_trace)
own_access.after_request(leave_no_trace)
