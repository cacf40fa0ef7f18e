"""`copydesk staff`: a brand's first owner, its team, and the way back in."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from copydesk.audit import read_entries
from copydesk.bootstrap import Runtime
from copydesk.cli import run
from copydesk.db import TenantSession
from copydesk.identity import Role, User
from copydesk.identity.access import allow_network, allowed_networks
from copydesk.identity.access.tables import StaffGrant
from copydesk.identity.factors.tables import TotpSecret
from copydesk.kernel import utc_now
from copydesk.notifications.tables import Mail
from copydesk.vault.tables import DataKey
from sqlalchemy import delete, select


@dataclass
class Desk:
    capsys: pytest.CaptureFixture[str]
    runtime: Runtime

    @property
    def tenant_id(self) -> int:
        return self.runtime.tenant_ids["aurora"]

    def json(self, *argv: str) -> Any:
        assert run(["staff", *argv, "--tenant", "aurora", "--json"]) == 0
        return json.loads(self.capsys.readouterr().out.splitlines()[-1])

    def refused(self, *argv: str) -> str:
        assert run(["staff", *argv, "--tenant", "aurora"]) == 1
        return " ".join(self.capsys.readouterr().err.split())

    def person(self, name: str, role: Role, *roles: str) -> int:
        with self.runtime.db.tenant(self.tenant_id) as session:
            email = f"{name}@example.com"
            user = User(tenant_id=self.tenant_id, email=email, display_name=name, role=str(role))
            session.add(user)
            session.flush()
            for granted in roles:
                session.add(StaffGrant(tenant_id=self.tenant_id, user_id=user.id, role=granted, at=utc_now()))
            return user.id

    def acts(self, session: TenantSession) -> list[str]:
        return [entry.act for entry in reversed(read_entries(session, self.tenant_id, limit=20))]


@pytest.fixture
def desk(shipped_brands: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    assert shipped_brands
    runtime = Runtime()
    with runtime.db.tenant(runtime.tenant_ids["aurora"]) as session:
        session.execute(delete(DataKey))  # Each test has a data folder of its own, and so another key file.
    yield Desk(capsys, runtime)
    runtime.close()


def test_a_brands_first_owner_is_invited_by_mail(desk: Desk) -> None:
    told = desk.json("invite", "--email", "First@Example.com", "--role", "owner")
    assert told["roles"] == ["owner"]
    listed = desk.json("list")
    assert [one["email"] for one in listed["invited"]] == ["first@example.com"]
    with desk.runtime.db.tenant(desk.tenant_id) as session:
        mail = session.scalars(select(Mail).where(Mail.recipient == "first@example.com")).one()
        assert (mail.kind, mail.facts["role"]) == ("invited_staff", "owner")
        assert "/account/invited/" not in json.dumps(mail.facts)
        entry = read_entries(session, desk.tenant_id, act="invite.sent")[0]
    assert entry.actor.kind == "operator"


def test_an_operator_is_invited_without_roles_of_the_brand(desk: Desk) -> None:
    desk.json("invite", "--email", "ops@example.com", "--role", "operator")
    with desk.runtime.db.tenant(desk.tenant_id) as session:
        mail = session.scalars(select(Mail).where(Mail.recipient == "ops@example.com")).one()
    assert mail.facts["role"] == "operator"
    both = desk.refused("invite", "--email", "both@example.com", "--role", "operator", "--role", "owner")
    assert "expected operator alone" in both


def test_what_is_wrong_is_said_in_one_sentence(desk: Desk) -> None:
    unknown = desk.refused("invite", "--email", "x@example.com", "--role", "emperor")
    assert "role: expected one of owner, administrator" in unknown
    assert '"emperor"' in unknown
    assert "there is nobody with the address" in desk.refused("end-sessions", "--email", "none@example.com")
    fred = desk.person("fred", Role.FOLLOWER)
    assert fred
    assert "no such member of staff" in desk.refused("grant", "--email", "fred@example.com", "--role", "owner")


def test_roles_are_added_and_taken_away(desk: Desk) -> None:
    desk.person("mara", Role.STAFF)
    granted = desk.json("grant", "--email", "mara@example.com", "--role", "owner", "--role", "risk")
    assert granted["roles"] == ["owner", "risk"]
    assert desk.json("revoke", "--email", "mara@example.com", "--role", "risk")["roles"] == ["owner"]
    assert "one owner to stay" in desk.refused("revoke", "--email", "mara@example.com", "--role", "owner")
    members = {one["email"]: one["roles"] for one in desk.json("list")["members"]}
    assert members["mara@example.com"] == ["owner"]


def test_who_lost_every_factor_or_their_address_gets_back_in(desk: Desk) -> None:
    omar = desk.person("omar", Role.STAFF, "support")
    with desk.runtime.db.tenant(desk.tenant_id) as session:
        secret = TotpSecret(tenant_id=desk.tenant_id, user_id=omar, confirmed=True, created_at=utc_now())
        session.add(secret)
        allow_network(session, desk.tenant_id, omar, "203.0.113.7", own_ip="", author_id=omar, at=utc_now())
        allow_network(session, desk.tenant_id, None, "203.0.113.8", own_ip="", author_id=None, at=utc_now())
    assert desk.json("erase-factors", "--email", "omar@example.com", "--yes")["had"]["totp"]
    assert desk.json("clear-allowlist", "--email", "omar@example.com")["cleared"] == 1
    assert desk.json("clear-allowlist")["cleared"] == 1
    with desk.runtime.db.tenant(desk.tenant_id) as session:
        held = session.scalars(select(User.held_until).where(User.id == omar)).one()
        assert held is not None and held > utc_now()
        assert allowed_networks(session, omar) == allowed_networks(session, None) == []
        assert desk.acts(session)[-3:] == ["factors.erased", "allowlist.cleared", "allowlist.cleared"]


def test_without_a_yes_nothing_is_erased(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    desk.person("nora", Role.STAFF)
    assert run(["staff", "erase-factors", "--tenant", "aurora", "--email", "nora@example.com"]) == 130


@pytest.mark.parametrize(
    "name", ["invite", "list", "grant", "revoke", "end-sessions", "erase-factors", "clear-allowlist"]
)
def test_every_command_shows_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["staff", name, "--help"]) == 0
    assert f"copydesk staff {name} --tenant" in capsys.readouterr().out
