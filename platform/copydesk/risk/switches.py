"""Throw, confirm and lift kill switches, and read which are on. Rows are never deleted: they say who, why and when.

A session of a brand is about that brand's switches, an installation's session about those of the whole platform. Call
`nudge` after the commit, so that nobody waits for the next look.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Connection, func, select, text
from sqlalchemy.orm import Session

from copydesk.audit import OPERATOR, record
from copydesk.db import Database, TenantSession
from copydesk.kernel import InvalidInput, NotFound
from copydesk.risk.switch_rules import Reach, Stops, SwitchBoard, ThrownSwitch, needs_two
from copydesk.risk.tables import InstallationSwitch, Switch

# Carries nothing: whoever hears it reads the switches.
CHANNEL = "copydesk:switches"
REASON_LEN_MAX = 300

_VERSION = text("SELECT version FROM switch_version")
_SUSPENDED = text("SELECT id FROM tenant WHERE status = 'suspended'")
_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_Row = Switch | InstallationSwitch


class NewSwitch(NamedTuple):
    """A switch to throw, by whom and why."""

    reach: Reach
    subject: str
    stops: Stops
    reason: str
    author: str


class Subjects(NamedTuple):
    """What can be named: exchanges' environments, ccxt symbols, and numbers of strategies and of brands."""

    exchanges: Collection[str] = ()
    instruments: Collection[str] = ()
    strategies: Collection[int] = ()
    brands: Collection[int] = ()

    def of(self, reach: Reach) -> frozenset[str]:
        """Return every subject that a switch of this reach may have."""
        named: Mapping[Reach, Iterable[object]] = {
            Reach.EXCHANGE: self.exchanges,
            Reach.INSTRUMENT: self.instruments,
            Reach.STRATEGY: self.strategies,
            Reach.TENANT: self.brands,
        }
        return frozenset(map(str, named.get(reach, ())))


def checked(new: NewSwitch, known: Subjects, *, of_platform: bool) -> NewSwitch:
    """Return a switch that may be thrown, tidied up; raises InvalidInput and names what is wrong."""
    reason, author = " ".join(new.reason.split()), " ".join(new.author.split())
    if not reason or len(reason) > REASON_LEN_MAX:
        raise InvalidInput(f"reason: expected 1 to {REASON_LEN_MAX} characters, found {len(reason)}")
    if not author:
        raise InvalidInput("by: a switch is thrown by somebody: expected a name, found none")
    if new.reach is Reach.ALL and not of_platform:
        raise InvalidInput("reach: only the platform stops all brands; a brand's widest reach is tenant")
    if new.reach is Reach.ALL or (new.reach is Reach.TENANT and not of_platform):
        if new.subject:
            raise InvalidInput(f"subject: a switch that reaches {new.reach} names none, found {new.subject}")
    elif new.subject not in known.of(new.reach):
        listed = ", ".join(sorted(known.of(new.reach))) or "none"
        raise InvalidInput(f"{new.reach}: expected one of {listed}, found {new.subject or 'nothing'}")
    return new._replace(reason=reason, author=author)


def throw(session: Session, new: NewSwitch, known: Subjects) -> ThrownSwitch:
    """Throw a switch: with the commit it holds, until it is lifted.

    Where closing takes two people it stops opens only, until another one confirms it. Raises InvalidInput where it
    names something unknown, or is on already.
    """
    tenant_id = _tenant(session)
    new = checked(new, known, of_platform=tenant_id is None)
    same = (new.reach, new.subject, new.stops)
    for switch in read_switches(session):
        if (switch.reach, switch.subject, switch.stops) == same:
            raise InvalidInput(f"switch {switch.id} does that already, since {switch.at:%Y-%m-%d %H:%M} UTC")
    values = {
        "reach": str(new.reach),
        "subject": new.subject,
        "stops": str(new.stops),
        "reason": new.reason,
        "author": new.author,
    }
    row: _Row = InstallationSwitch(**values) if tenant_id is None else Switch(tenant_id=tenant_id, **values)
    session.add(row)
    session.flush()
    session.refresh(row)
    thrown = _thrown(row, tenant_id)
    note_switch(session, "switch.thrown", thrown, tenant_id, at=thrown.at)
    return thrown


def confirm(session: Session, switch_id: int, by: str) -> ThrownSwitch:
    """Let a second person agree to close; raises InvalidInput for the first one, and where none is needed any more."""
    row, by = _locked(session, switch_id), " ".join(by.split())
    if not needs_two(Reach(row.reach), Stops(row.stops), of_platform=_tenant(session) is None):
        raise InvalidInput(f"switch {switch_id} needs no second person")
    if row.confirmed_by is not None:
        raise InvalidInput(f"switch {switch_id} is confirmed already, by {row.confirmed_by}")
    if not by or by.casefold() == row.author.casefold():
        raise InvalidInput(f"by: expected another person than {row.author}, found {by or 'nobody'}")
    row.confirmed_by = by
    session.flush()
    return _thrown(row, _tenant(session))


def lift(session: Session, switch_id: int, by: str) -> ThrownSwitch:
    """Take a switch back: what comes from now on may open. Nothing that was stopped or closed is made good."""
    row, by = _locked(session, switch_id), " ".join(by.split())
    if not by:
        raise InvalidInput("by: a switch is lifted by somebody: expected a name, found none")
    row.lifted_at, row.lifted_by = func.clock_timestamp(), by
    session.flush()
    session.refresh(row)
    lifted = _thrown(row, _tenant(session))
    note_switch(session, "switch.lifted", lifted, lifted.tenant_id, at=lifted.lifted_at or lifted.at)
    return lifted


def note_switch(session: Session, act: str, switch: ThrownSwitch, tenant_id: int | None, *, at: datetime) -> None:
    """Write into a brand's record what was done with a switch; the platform has no record but its brands'."""
    if tenant_id is None:
        return
    whose = "platform" if switch.of_platform else "brand"
    after = {"whose": whose, "reach": str(switch.reach), "about": switch.subject, "stops": str(switch.stops)}
    told = {"reason": switch.reason, "by": switch.lifted_by or switch.confirmed_by or switch.author}
    record(session, tenant_id, OPERATOR, act, f"switch:{switch.id}", at=at, after=after | told)


def read_switches(session: Session, *, lifted: bool = False) -> list[ThrownSwitch]:
    """Return the brand's switches, or the platform's, oldest first; with those that were `lifted` too if asked."""
    tenant_id = _tenant(session)
    table = _table(session)
    query = select(table).order_by(table.id)
    rows = session.scalars(query if lifted else query.where(table.lifted_at.is_(None)))
    return [_thrown(row, tenant_id) for row in rows]


def board_version(connection: Connection) -> int:
    """Return the number that every change of any switch counts up."""
    return int(connection.execute(_VERSION).scalar_one())


def read_board(db: Database, tenant_ids: Collection[int]) -> SwitchBoard:
    """Read every switch that is on. The version is read first: what changes meanwhile is found by the next look.

    A brand that is suspended counts as one whose own switch stops every open.
    """
    with db.installation() as session:
        version = board_version(session.connection())
        platform = tuple(read_switches(session))
        suspended = set(session.execute(_SUSPENDED).scalars())
    brands = {}
    for tenant_id in tenant_ids:
        with db.tenant(tenant_id) as session:
            found = tuple(read_switches(session))
        found += (suspension(tenant_id),) if tenant_id in suspended else ()
        if found:
            brands[tenant_id] = found
    return SwitchBoard(version, platform, brands)


def suspension(tenant_id: int) -> ThrownSwitch:
    """Return what a brand's suspension stops, as a switch; why it is suspended is between operator and brand."""
    return ThrownSwitch(0, tenant_id, Reach.TENANT, "", Stops.OPENS, "", "operator", _EVER)


def nudge(redis: Redis) -> None:
    """Have every process look at the switches now; without Redis each looks within a tenth of a second anyway."""
    with suppress(RedisError):
        redis.publish(CHANNEL, b"")


def _tenant(session: Session) -> int | None:
    return session.tenant_id if isinstance(session, TenantSession) else None


def _table(session: Session) -> Any:
    return InstallationSwitch if _tenant(session) is None else Switch


def _locked(session: Session, switch_id: int) -> _Row:
    table = _table(session)
    row: _Row | None = session.scalars(select(table).where(table.id == switch_id).with_for_update()).one_or_none()
    if row is None:
        raise NotFound(f"there is no switch {switch_id}")
    if row.lifted_at is not None:
        raise InvalidInput(f"switch {switch_id} was lifted already, by {row.lifted_by}")
    return row


def _thrown(row: _Row, tenant_id: int | None) -> ThrownSwitch:
    return ThrownSwitch(
        row.id,
        tenant_id,
        Reach(row.reach),
        row.subject,
        Stops(row.stops),
        row.reason,
        row.author,
        row.at,
        row.confirmed_by,
        row.lifted_at,
        row.lifted_by,
    )
