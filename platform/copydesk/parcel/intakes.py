"""Exchange keys that were on their way in when a brand was packed.

They are sealed to a pair of keys of the installation, not of the brand: they are opened before they leave, wrapped for
the parcel, and sealed to the other installation's pair when they arrive.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping

from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.parcel.lines import plain_line
from copydesk.parcel.wrapping import PassphraseStore
from copydesk.vault import IntakePlace, IntakePrivate, IntakePublic, SealBroken
from copydesk.vault.envelope import aad

_WAITING = text(
    "SELECT id, user_id, account_id, venue, environment, sealed FROM key_intake "
    "WHERE tenant_id = :tenant_id AND sealed IS NOT NULL ORDER BY id"
)
_SEALED = text("UPDATE key_intake SET sealed = :sealed WHERE tenant_id = :tenant_id AND id = :id")


def intake_lines(session: Session, opener: IntakePrivate, tenant_id: int, store: PassphraseStore) -> Iterator[bytes]:
    """Give each key on its way that opens."""
    for place, sealed in _waiting(session, tenant_id):
        try:
            plain = opener.open(place, sealed)
        except SealBroken:
            continue  # It arrives as it is, and is refused there as it would have been here.
        wrapped = store.wrap(plain.encode(), context=_context(place.intake_id))
        yield plain_line({"id": place.intake_id, "wrapped": base64.b64encode(wrapped).decode()})


def packed_intakes(lines: Iterable[bytes], store: PassphraseStore) -> dict[int, str]:
    """Return what a parcel's keys on their way hold, by the number of their row."""
    found = {}
    for said in map(json.loads, lines):
        wrapped = base64.b64decode(said["wrapped"], validate=True)
        found[int(said["id"])] = store.unwrap(wrapped, context=_context(int(said["id"]))).decode()
    return found


def seal_intakes(session: Session, intake: IntakePublic, tenant_id: int, opened: Mapping[int, str]) -> int:
    """Seal keys on their way to this installation, and return how many did not open where they come from."""
    broken = 0
    for place, _ in _waiting(session, tenant_id):
        if place.intake_id not in opened:
            broken += 1
            continue
        sealed = intake.seal(place, opened[place.intake_id])
        session.execute(_SEALED, {"tenant_id": tenant_id, "id": place.intake_id, "sealed": sealed})
    return broken


def _waiting(session: Session, tenant_id: int) -> list[tuple[IntakePlace, bytes]]:
    rows = session.execute(_WAITING, {"tenant_id": tenant_id}).all()
    return [
        (IntakePlace(tenant_id, row.id, row.user_id, row.account_id or 0, row.venue, row.environment), row.sealed)
        for row in rows
    ]


def _context(number: int) -> bytes:
    return aad(b"copydesk parcel intake", number)
