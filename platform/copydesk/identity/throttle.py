"""Counts failures per account and per network, and makes the next try wait. The rules are in `throttle_rules`.

A try counts as failed until it has succeeded: a thousand guesses at once wait as those after each other do. Addresses
are kept as hashes, for known and unknown ones alike, so that the table tells nobody who has an account.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, ip_address, ip_network

from sqlalchemy import ColumnElement, and_, delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from copydesk.db import TenantSession
from copydesk.identity.access.networks import place_of
from copydesk.identity.tables import SignInThrottle
from copydesk.identity.throttle_rules import RULES, Rule, Scope, Standing, after_failure, after_success, wait_left
from copydesk.kernel import Refused

# After this long nothing that is counted still makes anybody wait.
FORGOTTEN = timedelta(days=1)
_NETWORK_BITS = {4: 24, 6: 64}
_AROUND_BITS = 48
_AROUND = {
    Scope.NETWORK: Scope.NETWORK_AROUND,
    Scope.MAIL_NETWORK: Scope.MAIL_NETWORK_AROUND,
    Scope.GUEST_NETWORK: Scope.GUEST_NETWORK_AROUND,
}
_AT_ONCE = 500


class TooManyTries(Refused):
    """Refuse a try before its time; `wait_s` is how many seconds are left."""

    code = "too_many_tries"
    http_status = 429

    def __init__(self, wait: timedelta) -> None:
        self.wait_s = max(math.ceil(wait.total_seconds()), 1)
        super().__init__(f"Too many tries: wait {self.wait_s} seconds.")


@dataclass(frozen=True, slots=True)
class Counted:
    """One thing that a try counts for."""

    scope: Scope
    subject: str


def by_networks(ip: str, scope: Scope = Scope.NETWORK) -> tuple[Counted, ...]:
    """Count for everybody who comes from where this address is: the /24 around one of IPv4, the /64 around one of IPv6.

    For IPv6 the /48 counts besides, with a longer breath: whoever has one has 65,536 networks.
    """
    try:
        address = ip_address(ip)
    except ValueError:
        return (Counted(scope, "unknown"),)
    one = Counted(scope, str(ip_network((address, _NETWORK_BITS[address.version]), strict=False)))
    if isinstance(address, IPv4Address):
        return (one,)
    return one, Counted(_AROUND[scope], str(ip_network((address, _AROUND_BITS), strict=False)))


def by_address(email: str, scope: Scope = Scope.ACCOUNT) -> Counted:
    """Count for an e-mail address, known or not."""
    return Counted(scope, hashlib.sha256(email.encode("utf-8", "surrogatepass")).hexdigest())


def by_device(user_id: int, ip: str) -> Counted:
    """Count for an account where it was signed in before, so that strangers' failures do not keep its owner out."""
    return Counted(Scope.DEVICE, f"{user_id} {place_of(ip)}")


def by_user(user_id: int) -> Counted:
    """Count for somebody who is signed in and types a password again."""
    return Counted(Scope.CONFIRM, str(user_id))


def count_try(
    session: TenantSession, counted: Sequence[Counted], *, at: datetime, rules: Mapping[Scope, Rule] = RULES
) -> None:
    """Count a try as failed before it is made; raises `TooManyTries`, and counts nothing, while one has to wait.

    Commit before the try: rows are locked until then, in one order, so that two tries never wait for each other.
    """
    places = sorted(counted, key=lambda one: (one.scope, one.subject))
    standings = {one: _locked(session, one, at) for one in places}
    wait = max(wait_left(standing, at) for standing in standings.values())
    if wait:
        raise TooManyTries(wait)
    for one, standing in standings.items():
        _store(session, one, after_failure(rules[one.scope], standing, at))


def take_back(session: Session, counted: Sequence[Counted], *, at: datetime) -> None:
    """Take a try back that succeeded. A network stays as suspect as it was before: one good sign-in proves little."""
    for one in sorted(counted, key=lambda one: (one.scope, one.subject)):
        if one.scope in {Scope.ACCOUNT, Scope.DEVICE, Scope.CONFIRM}:
            session.execute(delete(SignInThrottle).where(_is(one)))
        elif standing := _read(session, one):
            _store(session, one, after_success(RULES[one.scope], standing, at))


def forget_old(session: Session, *, at: datetime) -> None:
    """Drop what no longer makes anybody wait; what somebody else holds is left, so that nobody waits here."""
    place = (SignInThrottle.scope, SignInThrottle.subject)
    old = select(*place).where(SignInThrottle.last_at < at - FORGOTTEN).limit(_AT_ONCE)
    session.execute(delete(SignInThrottle).where(tuple_(*place).in_(old.with_for_update(skip_locked=True))))


def _locked(session: TenantSession, one: Counted, at: datetime) -> Standing:
    """Return where something stands, locked; a place that nobody counted for before is made first."""
    found = _read(session, one)
    if found is None:
        place = {"tenant_id": session.tenant_id, "scope": str(one.scope), "subject": one.subject}
        fresh = insert(SignInThrottle).values(**place, failures=0, last_at=at, next_at=at)
        session.execute(fresh.on_conflict_do_nothing())
        found = _read(session, one)
    assert found is not None, "a count that was just made is not there"
    return found


def _read(session: Session, one: Counted) -> Standing | None:
    kept = select(SignInThrottle.failures, SignInThrottle.last_at, SignInThrottle.next_at)
    row = session.execute(kept.where(_is(one)).with_for_update()).one_or_none()
    return None if row is None else Standing(*row)


def _store(session: Session, one: Counted, standing: Standing) -> None:
    values = {"failures": standing.failures, "last_at": standing.last_at, "next_at": standing.next_at}
    session.execute(update(SignInThrottle).where(_is(one)).values(values))


def _is(one: Counted) -> ColumnElement[bool]:
    return and_(SignInThrottle.scope == str(one.scope), SignInThrottle.subject == one.subject)
