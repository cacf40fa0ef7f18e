"""Stores mail in the transaction of the change that it tells of: neither is there without the other."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import event
from sqlalchemy.orm import Session

from copydesk.kernel import InvalidInput
from copydesk.notifications.bell import BELL
from copydesk.notifications.model import KINDS, LINK, NO_MAIL, Kind
from copydesk.notifications.port import Seal
from copydesk.notifications.tables import Mail

FACTS_FIELD = "mail.facts"
# One address and nothing that could end it or begin another header.
_ADDRESS = re.compile(r"[^\s@<>()\[\]\\,;:\"\x00-\x20\x7f]{1,64}@[^\s@<>()\[\]\\,;:\"\x00-\x20\x7f]{1,190}\Z")


def queue_mail(
    session: Session,
    tenant_id: int,
    seal: Seal,
    *,
    to: str,
    kind: str,
    locale: str,
    facts: Mapping[str, str],
    secret_facts: Mapping[str, str] | None = None,
    at: datetime,
) -> None:
    """Store a mail that leaves after this transaction's commit, within moments.

    `kind` and the names of facts as `KINDS` has them. The fact `link` is a path of the brand's own site ("/account/…");
    what must not be read in the database goes into `secret_facts`. Moments are told as ISO 8601, numbers as digits.
    Raises `InvalidInput` for what is not one address. Who has none that any mail reaches gets none.
    """
    if not _ADDRESS.match(to):
        raise InvalidInput("e-mail: expected one address such as name@example.com")
    if to.endswith(NO_MAIL):
        return
    hidden = dict(secret_facts or {})
    _check(Kind(kind), {**facts, **hidden})
    mail = Mail(tenant_id=tenant_id, recipient=to, kind=kind, locale=locale, facts=dict(facts), queued_at=at, due_at=at)
    session.add(mail)
    if hidden:
        session.flush()  # What is sealed is bound to the mail's number.
        mail.sealed_facts = seal.seal(tenant_id, mail.id, FACTS_FIELD, json.dumps(hidden))
    event.listen(session, "after_commit", _ring, once=True)


def _check(kind: Kind, facts: Mapping[str, str]) -> None:
    unknown = sorted(facts.keys() - KINDS[kind])
    assert not unknown, f"a mail of kind {kind} has no words for {', '.join(unknown)}"
    link = facts.get(LINK, "/")
    assert link.startswith("/") and not link.startswith(("//", "/\\")), "a mail links to the brand's own site only"


def _ring(_session: Session) -> None:
    BELL.ring()
