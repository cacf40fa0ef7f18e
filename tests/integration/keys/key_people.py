"""People with keys on the shipped brands: what they hand in, and what the database has of it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from copydesk.audit import Actor, ActorKind, Entry, read_entries
from copydesk.bootstrap import declared_settings
from copydesk.db import Database, sqlalchemy_url
from copydesk.identity import Role, User
from copydesk.keys import Handed, Intake, KeyHealth, NewIntake
from copydesk.keys.connect import hand_in
from copydesk.keys.store import intake_of, keys_of
from copydesk.keys.tables import KeyIntake
from copydesk.notifications.tables import Mail
from copydesk.tenancy import TenantDirectory, ensure_tenant
from copydesk.trading import Environment
from copydesk.vault import IntakePublic, MemoryKeyStore
from lab_desk import ROOT
from sqlalchemy import create_engine, select
from sqlalchemy.pool import NullPool

_NUMBERS = itertools.count(1)


class HandClock:
    """A clock that goes on when told."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0

    def wait(self, **how: float) -> None:
        self.at += timedelta(**how)


@dataclass
class KeySite:
    """The two brands, and what seals keys there. `slug` is the brand that its methods are about."""

    database_url: str
    clock: HandClock
    tenants: Path
    slug: str = "aurora"
    exchange_store: MemoryKeyStore = field(default_factory=MemoryKeyStore)
    identity_store: MemoryKeyStore = field(default_factory=MemoryKeyStore)

    @cached_property
    def directory(self) -> TenantDirectory:
        defaults, themes = ROOT / "config" / "defaults.yaml", ROOT / "themes"
        return TenantDirectory(self.tenants, defaults, themes_dir=themes, settings=declared_settings())

    @cached_property
    def db(self) -> Database:
        return Database(create_engine(sqlalchemy_url(self.database_url), poolclass=NullPool))

    @cached_property
    def tenant_ids(self) -> Mapping[str, int]:
        with self.db.installation() as session:
            return {slug: ensure_tenant(session, slug) for slug in ("aurora", "boreal")}

    @property
    def tenant_id(self) -> int:
        return self.tenant_ids[self.slug]

    def person(self, role: Role = Role.FOLLOWER) -> int:
        with self.db.tenant(self.tenant_id) as session:
            number = next(_NUMBERS)
            user = User(tenant_id=self.tenant_id, email=f"p{number}@key.example", display_name=f"P {number}", role=role)
            session.add(user)
            session.flush()
            return user.id

    def actor(self, user_id: int) -> Actor:
        return Actor(ActorKind.USER, user_id)

    def hand_in(self, user_id: int, venue: str, handed: Handed, **more: Any) -> int:
        """Hand a key in as the form does."""
        new = NewIntake(user_id, venue, Environment.LAB, more.pop("label", "Main"), **more)
        with self.db.tenant(self.tenant_id) as session:
            seal = IntakePublic(self.identity_store, self.db)
            return hand_in(session, seal, new, handed, actor=self.actor(user_id), at=self.clock.now())

    def intake(self, user_id: int, intake_id: int) -> Intake:
        with self.db.tenant(self.tenant_id) as session:
            return intake_of(session, user_id, intake_id)

    def sealed(self, intake_id: int) -> tuple[bytes | None, bytes | None]:
        with self.db.tenant(self.tenant_id) as session:
            row = session.get_one(KeyIntake, (self.tenant_id, intake_id))
            return row.sealed, row.sealed_pair

    def health(self, user_id: int | None = None) -> list[KeyHealth]:
        with self.db.tenant(self.tenant_id) as session:
            return keys_of(session, user_id)

    def mails(self, user_id: int) -> list[tuple[str, dict[str, str]]]:
        """Return what was written to a person, the oldest first: kinds with their facts."""
        with self.db.tenant(self.tenant_id) as session:
            person = session.get_one(User, (self.tenant_id, user_id))
            rows = session.scalars(select(Mail).where(Mail.recipient == person.email).order_by(Mail.id))
            return [(row.kind, row.facts) for row in rows]

    def record(self, subject: str) -> list[Entry]:
        """Return what the brand's record has of a subject, the newest first."""
        with self.db.tenant(self.tenant_id) as session:
            return read_entries(session, self.tenant_id, subject=subject)
