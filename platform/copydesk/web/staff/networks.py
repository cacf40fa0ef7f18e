"""The form of a list of allowed networks, for one's own account and for the brand's staff alike."""

from __future__ import annotations

from flask import g, request
from werkzeug.wrappers import Response as AnyResponse

from copydesk.audit import record
from copydesk.db import TenantSession
from copydesk.identity.access import allow_network, allowed_networks, forbid_network, tell_owners
from copydesk.identity.access.networks import is_inside
from copydesk.kernel import InvalidInput, NotPermitted
from copydesk.web.asking import go, transaction
from copydesk.web.clock import current_time
from copydesk.web.page import render
from copydesk.web.staff.desk import current_seal, row_id
from copydesk.web.staff.words import refusal_words
from copydesk.web.visitor import current_actor, current_visitor

FIELD_LENGTH_MAX = 100
_FIELD_OF = {"note_long": "note"}


def show_list(user_id: int | None, template: str) -> str:
    """Show a list of allowed networks, of one account or without a user of the brand's staff."""
    return _shown(user_id, template)


def add_to_list(user_id: int | None, template: str, back: str) -> AnyResponse | tuple[str, int]:
    """Add what the form names, or say at its field why not."""
    network, note = (request.form.get(name, "").replace("\0", "")[:FIELD_LENGTH_MAX] for name in ("network", "note"))
    visitor, now = current_visitor(), current_time()
    try:
        with transaction() as session:
            added = allow_network(
                *(session, g.tenant_id, user_id, network),
                note=note,
                own_ip=visitor.ip,
                author_id=visitor.user_id,
                at=now,
            )
            _tell(session, user_id, "allowlist.added", added.network)
            after = {"network": added.network}
            record(session, g.tenant_id, current_actor(), "allowlist.added", _subject(user_id), at=now, after=after)
    except (InvalidInput, NotPermitted) as refusal:
        words = refusal_words(refusal, found=network.strip(), address=visitor.ip)
        errors = {_FIELD_OF.get(refusal.code, "network"): words}
        return _shown(user_id, template, errors, network, note), refusal.http_status
    return go(back)


def take_off_list(user_id: int | None, number: int, template: str, back: str) -> AnyResponse | tuple[str, int]:
    """Take an entry off, or say why not."""
    visitor, now = current_visitor(), current_time()
    try:
        with transaction() as session:
            gone = forbid_network(session, user_id, row_id(number), own_ip=visitor.ip, author_id=visitor.user_id)
            _tell(session, user_id, "allowlist.removed", gone.network)
            before = {"network": gone.network}
            record(session, g.tenant_id, current_actor(), "allowlist.removed", _subject(user_id), at=now, before=before)
    except (InvalidInput, NotPermitted) as refusal:
        errors = {"": refusal_words(refusal, address=visitor.ip)}
        return _shown(user_id, template, errors), refusal.http_status
    return go(back)


def _shown(
    user_id: int | None, template: str, errors: dict[str, str] | None = None, network: str = "", note: str = ""
) -> str:
    ip = current_visitor().ip
    with transaction() as session:
        entries = allowed_networks(session, user_id)
    here = {entry.id for entry in entries if is_inside(ip, [entry.network])}
    return render(template, entries=entries, here=here, address=ip, errors=errors or {}, network=network, note=note)


def _tell(session: TenantSession, user_id: int | None, act: str, network: str) -> None:
    if user_id is None:
        author_id = current_visitor().user_id
        tell_owners(session, g.tenant_id, current_seal(), author_id, f"{act} {network}", current_time())


def _subject(user_id: int | None) -> str:
    return "staff" if user_id is None else f"user:{user_id}"
