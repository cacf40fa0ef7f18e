"""People of the demo to sign in as: on each brand a follower, a trader and an owner, with passwords made on the spot.

No password is part of the program: each data directory has its own, in a file that only its owner reads. A second
factor is set up at the first sign-in, as by everybody else.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

import orjson
from sqlalchemy import select

from copydesk.audit import OPERATOR
from copydesk.bootstrap import Runtime
from copydesk.db import TenantSession
from copydesk.demo.cast import TRADERS
from copydesk.identity import Role, User, UserStatus
from copydesk.identity.access.team import take_up_grants
from copydesk.kernel import utc_now

_PASSWORD_BYTES = 12


@dataclass(frozen=True)
class DemoPerson:
    """Somebody to sign in as."""

    brand: str
    role: str
    email: str
    password: str = field(repr=False)


def admit_people(runtime: Runtime, path: Path) -> list[DemoPerson]:
    """Give each brand's people passwords, once for each data directory, and return them; safe to run twice."""
    known = {person.email: person for person in _read(path)}
    people = []
    for slug in TRADERS:
        with runtime.db.tenant(runtime.tenant_ids[slug]) as session:
            for role, mailbox, name in _cast(slug):
                email = f"{mailbox}@{slug}.invalid"
                person = known.get(email) or DemoPerson(slug, role, email, secrets.token_urlsafe(_PASSWORD_BYTES))
                _admit(session, person, name)
                people.append(person)
            # On file before it commits: what is stored afterwards is only a hash.
            _write(path, [*people, *(one for one in known.values() if one.brand not in {p.brand for p in people})])
    return people


def _cast(slug: str) -> tuple[tuple[str, str, str], ...]:
    """Name role, mailbox and person of everybody whom one can sign in as."""
    trader = TRADERS[slug][0]
    return (
        ("follower", "follower-0", "Follower 1"),
        ("trader", trader.slug, trader.person),
        ("owner", "owner", f"Owner of {slug.capitalize()}"),
    )


def _admit(session: TenantSession, person: DemoPerson, name: str) -> None:
    user = session.scalars(select(User).where(User.email == person.email)).one_or_none()
    if user is None:
        role = Role.STAFF if person.role == "owner" else Role(person.role)
        user = User(tenant_id=session.tenant_id, email=person.email, display_name=name, role=str(role))
        session.add(user)
        session.flush()
    if user.password_hash is not None:
        return
    # Only whoever hashes pays for the import.
    from copydesk.identity.hashing import Hasher

    now: datetime = utc_now()
    user.password_hash, user.password_at = Hasher().hash(person.password), now
    user.status, user.email_verified_at = str(UserStatus.ACTIVE), now
    if person.role == "owner":
        take_up_grants(session, session.tenant_id, OPERATOR, user.id, ("owner",), at=now)


def _read(path: Path) -> list[DemoPerson]:
    return [DemoPerson(**row) for row in orjson.loads(path.read_bytes())] if path.exists() else []


def _write(path: Path, people: list[DemoPerson]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(orjson.dumps([asdict(person) for person in people], option=orjson.OPT_INDENT_2))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
