"""Two authors at once, one reader twice, two brands: versions keep their order and agreements their owner."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from copydesk.audit import OPERATOR
from copydesk.db import Database
from copydesk.identity import User
from copydesk.identity.legal import (
    Acceptance,
    Draft,
    LegalKind,
    Via,
    accept,
    accepted_counts,
    current_versions,
    publish,
    to_accept,
    versions_of,
)
from copydesk.kernel import Refused
from copydesk.tenancy import ensure_tenant
from sqlalchemy import select

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
AT_ONCE = 4


@pytest.fixture
def brand(db: Database, request: pytest.FixtureRequest) -> int:
    """A brand that no other test has."""
    with db.installation() as session:
        return ensure_tenant(session, f"b{abs(hash(request.node.name)) % 10**9}")


def publishes(db: Database, brand: int, kind: LegalKind = LegalKind.TERMS) -> int:
    with db.tenant(brand) as session:
        draft = Draft(kind, {"en": "Words"}, material=False)
        return publish(session, brand, draft, actor=OPERATOR, author="Mara", at=NOW).id


def reader(db: Database, brand: int) -> int:
    with db.tenant(brand) as session:
        user = User(tenant_id=brand, email="r@example.com", display_name="R", role="follower", created_at=NOW)
        session.add(user)
        session.flush()
        return user.id


def agrees(db: Database, brand: int, user_id: int, *versions: int) -> None:
    with db.tenant(brand) as session:
        accept(session, brand, user_id, Acceptance(versions, "198.18.0.1", "en", Via.CHANGE), at=NOW)


def test_authors_who_publish_at_once_get_numbers_one_after_the_other(db: Database, brand: int) -> None:
    begin = threading.Barrier(AT_ONCE)

    def author(_: int) -> int:
        begin.wait()
        return publishes(db, brand)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        ids = list(pool.map(author, range(AT_ONCE)))
    with db.tenant(brand) as session:
        found = versions_of(session, LegalKind.TERMS)
    assert [one.number for one in found] == [4, 3, 2, 1]
    assert [one.id for one in found] == sorted(ids, reverse=True)
    assert [one.material for one in found] == [False, False, False, True]


def test_a_reader_who_sends_the_form_twice_at_once_agrees_once(db: Database, brand: int) -> None:
    version, user_id = publishes(db, brand), reader(db, brand)
    begin = threading.Barrier(2)

    def sends(_: int) -> None:
        begin.wait()
        agrees(db, brand, user_id, version)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(sends, range(2)))
    with db.tenant(brand) as session:
        assert accepted_counts(session) == {version: 1}
        assert session.scalar(select(User.legal_accepted_id).where(User.id == user_id)) == version


def test_what_was_replaced_meanwhile_cannot_be_agreed_to(db: Database, brand: int) -> None:
    old, user_id = publishes(db, brand), reader(db, brand)
    publishes(db, brand)
    with pytest.raises(Refused, match="The texts have changed"):
        agrees(db, brand, user_id, old)
    with db.tenant(brand) as session:
        assert accepted_counts(session) == {}


def test_one_brand_s_texts_and_agreements_are_nothing_to_another(db: Database, brand: int) -> None:
    publishes(db, brand)
    with db.installation() as session:
        other = ensure_tenant(session, "another")
    with db.tenant(other) as session:
        assert (current_versions(session), to_accept(session), accepted_counts(session)) == ({}, (), {})
