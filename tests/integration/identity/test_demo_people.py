"""The demo's people can sign in with passwords that were made for this data directory, and are in no program."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from copydesk.bootstrap import Runtime
from copydesk.demo.people import DemoPerson, admit_people
from copydesk.identity import User
from copydesk.identity.access.team import members
from copydesk.identity.hashing import Hasher
from sqlalchemy import select

ROOT = Path(__file__).parents[3]


@pytest.fixture
def runtime(database_url: str, redis_url: str, tmp_path: Path) -> Runtime:
    places = {"COPYDESK_ROOT": str(ROOT), "COPYDESK_VAR": str(tmp_path)}
    return Runtime({"DATABASE_URL": database_url, "REDIS_URL": redis_url, **places})


def signs_in(runtime: Runtime, person: DemoPerson) -> bool:
    with runtime.db.tenant(runtime.tenant_ids[person.brand]) as session:
        user = session.scalars(select(User).where(User.email == person.email)).one()
        return user.status == "active" and Hasher().matches(user.password_hash, person.password)


def test_each_brand_has_a_follower_a_trader_and_an_owner_whose_passwords_lie_in_a_private_file(
    runtime: Runtime, tmp_path: Path
) -> None:
    file = tmp_path / "demo" / "people.json"
    people = admit_people(runtime, file)
    assert admit_people(runtime, file) == people
    assert {(one.brand, one.role) for one in people} == {
        (brand, role) for brand in ("aurora", "boreal") for role in ("follower", "trader", "owner")
    }
    assert len({one.password for one in people}) == 6
    assert not any(one.password in repr(one) for one in people)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [row["email"] for row in json.loads(file.read_text())] == [one.email for one in people]
    assert all(signs_in(runtime, one) for one in people)
    with runtime.db.tenant(runtime.tenant_ids["aurora"]) as session:
        assert [(one.email, one.roles) for one in members(session)] == [("owner@aurora.invalid", ("owner",))]
    runtime.close()
