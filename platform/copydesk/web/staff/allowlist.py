"""From which addresses the brand's staff may use their accounts."""

from __future__ import annotations

from werkzeug.wrappers import Response as AnyResponse

from copydesk.identity.access import Permission
from copydesk.web.access import needs
from copydesk.web.staff.blueprint import staff
from copydesk.web.staff.networks import add_to_list, show_list, take_off_list

_TEMPLATE, _HERE = "staff/allowlist.html", "/staff/allowlist"


@staff.get("/allowlist")
@needs(Permission.ALLOWLIST_WRITE, fresh=True)
def allowlist() -> str:
    return show_list(None, _TEMPLATE)


@staff.post("/allowlist")
@needs(Permission.ALLOWLIST_WRITE, fresh=True, holds=True)
def add_network() -> AnyResponse | tuple[str, int]:
    return add_to_list(None, _TEMPLATE, _HERE)


@staff.post("/allowlist/<int:number>/remove")
@needs(Permission.ALLOWLIST_WRITE, fresh=True, holds=True)
def remove_network(number: int) -> AnyResponse | tuple[str, int]:
    return take_off_list(None, number, _TEMPLATE, _HERE)
