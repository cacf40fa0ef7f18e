"""One brand on disk and in the database, and three people who change its settings."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from copydesk.audit import OPERATOR, Actor, ActorKind
from copydesk.bootstrap import declared_settings
from copydesk.db import Database
from copydesk.tenancy import (
    DatabaseOverrides,
    Overrides,
    Revision,
    SettingsDesk,
    Tenant,
    TenantDirectory,
    ensure_tenant,
)

ROOT = Path(__file__).parents[3]
MARA = Actor(ActorKind.USER, 1)
NILS = Actor(ActorKind.USER, 2)
NAMES = {1: "Mara Lind", 2: "Nils Holt"}


@dataclass
class Office:
    """The desk of one brand; each call is one transaction, a minute after the one before."""

    db: Database
    root: Path
    tenant_id: int
    other_id: int
    slug: str = "aurora"
    minute: int = 0
    directory: TenantDirectory = field(init=False)
    desk: SettingsDesk = field(init=False)

    def __post_init__(self) -> None:
        self.directory = TenantDirectory(
            self.root / "tenants",
            ROOT / "config" / "defaults.yaml",
            themes_dir=ROOT / "themes",
            settings=declared_settings(),
            overrides=DatabaseOverrides(lambda: self.db),
        )
        self.desk = SettingsDesk(self.directory)

    @property
    def tenant(self) -> Tenant:
        """The brand as this process has it now."""
        self.directory.refresh()
        brand = self.directory.by_slug(self.slug)
        assert brand is not None
        return brand

    @property
    def at(self) -> datetime:
        self.minute += 1
        return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=self.minute)

    def change(self, changes: dict[str, object | None], actor: Actor = MARA, expected: int | None = None) -> Revision:
        with self.db.tenant(self.tenant_id) as session:
            return self.desk.change(
                session,
                self.tenant,
                changes,
                actor=actor,
                author=NAMES[actor.user_id or 0],
                reason="as agreed",
                at=self.at,
                expected_revision=expected,
            )

    def command(self, changes: dict[str, object | None]) -> Revision:
        """Change something from the operator's command line."""
        with self.db.tenant(self.tenant_id) as session:
            return self.desk.change(
                session,
                self.tenant,
                changes,
                actor=OPERATOR,
                author="command line",
                reason="as agreed",
                at=self.at,
                by_operator=True,
            )

    def approve(self, revision_id: int, actor: Actor = NILS) -> Revision:
        who = {"actor": actor, "author": NAMES[actor.user_id or 0], "at": self.at}
        with self.db.tenant(self.tenant_id) as session:
            return self.desk.approve(session, self.tenant, revision_id, **who)

    def refuse(self, revision_id: int, actor: Actor = NILS) -> Revision:
        who = {"actor": actor, "author": NAMES[actor.user_id or 0], "at": self.at}
        with self.db.tenant(self.tenant_id) as session:
            return self.desk.refuse(session, self.tenant, revision_id, **who)

    def rollback(self, revision_id: int, actor: Actor = MARA) -> Revision:
        who = {"actor": actor, "author": NAMES[actor.user_id or 0], "at": self.at}
        with self.db.tenant(self.tenant_id) as session:
            return self.desk.rollback(session, self.tenant, revision_id, reason="back", **who)

    @property
    def now(self) -> Overrides:
        """What holds in the database."""
        with self.db.tenant(self.tenant_id) as session:
            return self.desk.overrides(session)

    @property
    def history(self) -> tuple[Revision, ...]:
        with self.db.tenant(self.tenant_id) as session:
            return self.desk.history(session)


def open_office(db: Database, root: Path) -> Office:
    """Put aurora and boreal into a folder of their own and register aurora."""
    shutil.copytree(ROOT / "tenants", root / "tenants", dirs_exist_ok=True)
    with db.installation() as session:
        other_id = ensure_tenant(session, "boreal")
        tenant_id = ensure_tenant(session, "aurora")
    return Office(db, root, tenant_id, other_id)
