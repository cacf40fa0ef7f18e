"""Of things that happen once exactly one succeeds, however many try at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from copydesk.audit import Actor, ActorKind
from copydesk.bootstrap import declared_settings
from copydesk.db import Database
from copydesk.identity import Origin, Role, SignIn, SignInThrottle, User, UserStatus
from copydesk.identity.hashing import HashCost, Hasher, HashLimits
from copydesk.identity.invitations import accept_invite
from copydesk.identity.recovery import reset_password
from copydesk.identity.registration import LinkOver, NewPerson, register, verify_email
from copydesk.identity.signing_in import SignInRefused, sign_in
from copydesk.identity.tables import Invite
from copydesk.identity.throttle import TooManyTries, by_address, count_try, take_back
from copydesk.identity.tokens import TokenKind, issue_token, token_hash
from copydesk.identity.visit import Visit
from copydesk.tenancy import TenantDirectory, ensure_tenant
from copydesk.vault import MemoryDataKeys, MemoryKeyStore, Purpose, Vault
from sqlalchemy import func, select

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
AT_ONCE = 6
PASSWORD = "tide lamp orbit 27"


@pytest.fixture(scope="module")
def visit(database_url: str) -> Iterator[Visit]:
    """A visit of Aurora; every test asks from a network of its own where that matters."""
    database = Database.connect(database_url, pool_size=AT_ONCE)
    with database.installation() as session:
        tenant_id = ensure_tenant(session, "aurora")
    brands = TenantDirectory(ROOT / "tenants", ROOT / "config" / "defaults.yaml", settings=declared_settings())
    tenant = brands.by_slug("aurora")
    assert tenant is not None
    hasher = Hasher(HashCost(memory_kib=8, passes=1, lanes=1), HashLimits(threads=2, waiting=AT_ONCE))
    yield Visit(
        db=database,
        tenant=tenant,
        tenant_id=tenant_id,
        hashing=hasher,
        seal=Vault(MemoryKeyStore(), MemoryDataKeys(Purpose.IDENTITY)),
        actor=Actor(ActorKind.NOBODY, ip="198.18.0.1"),
        origin=Origin("198.18.0.1", "Firefox"),
        locale="en",
        at=NOW,
    )
    hasher.close()
    database.dispose()


def test_one_reset_link_sets_one_password(visit: Visit) -> None:
    user_id = person(visit, "once@post.example")
    with visit.transaction() as session:
        token = issue_token(session, user_id, TokenKind.RESET_PASSWORD, at=visit.at)
    outcomes = at_once(lambda number: reset_password(visit, token, f"{PASSWORD} {number}"))
    winners = [number for number, outcome in enumerate(outcomes) if outcome is None]
    assert len(winners) == 1
    assert all(isinstance(one, LinkOver) for one in outcomes if one is not None)
    assert sign_in(visit, "once@post.example", f"{PASSWORD} {winners[0]}").user_id == user_id


def test_one_link_confirms_an_address_once(visit: Visit) -> None:
    user_id = person(visit, "confirm@post.example", status=UserStatus.PENDING)
    with visit.transaction() as session:
        token = issue_token(session, user_id, TokenKind.VERIFY_EMAIL, at=visit.at)
    assert at_once(lambda _: verify_email(visit, token)).count(None) == 1


def test_one_invitation_makes_one_account(visit: Visit) -> None:
    with visit.transaction() as session:
        session.add(
            Invite(
                tenant_id=visit.tenant_id,
                email="guest@post.example",
                role=Role.TRADER.value,
                token_hash=token_hash("a token of these tests"),
                created_at=NOW,
                expires_at=NOW + timedelta(days=1),
            )
        )
    outcomes = at_once(
        lambda number: accept_invite(visit, "a token of these tests", display_name=f"G {number}", password=PASSWORD)
    )
    assert sum(isinstance(one, LinkOver) for one in outcomes) == AT_ONCE - 1
    assert people_with(visit, "guest@post.example") == 1


def test_an_address_that_registers_many_times_at_once_is_one_account(visit: Visit) -> None:
    new = NewPerson("many@post.example", "Many", Role.FOLLOWER, PASSWORD)
    assert at_once(lambda _: register(visit, new)) == [None] * AT_ONCE
    assert people_with(visit, "many@post.example") == 1


def test_guesses_at_once_wait_as_those_after_each_other_do(visit: Visit) -> None:
    """Each try counts as failed before it is made: a burst gets no more guesses than a patient attacker."""
    person(visit, "target@post.example")
    visits = [replace(visit, origin=Origin(f"198.18.{number}.1", "Firefox")) for number in range(1, 4 * AT_ONCE)]
    outcomes = [*at_once(lambda number: sign_in(visits[number], "target@post.example", f"guess {number} of mine"))]
    outcomes += at_once(lambda number: sign_in(visits[number + AT_ONCE], "target@post.example", f"guess {number}"))
    assert sum(isinstance(one, SignInRefused) for one in outcomes) == 6
    assert sum(isinstance(one, TooManyTries) for one in outcomes) == 2 * AT_ONCE - 6


def test_a_try_that_succeeds_is_taken_back(visit: Visit) -> None:
    counted = (by_address("back@post.example"),)
    for number in range(20):
        with visit.transaction() as session:
            count_try(session, counted, at=NOW + timedelta(seconds=number))
        with visit.transaction() as session:
            take_back(session, counted, at=NOW + timedelta(seconds=number))


def test_counts_and_tries_that_mean_nothing_any_more_are_dropped(visit: Visit) -> None:
    person(visit, "tidy@post.example")
    elsewhere = replace(visit, origin=Origin("198.18.77.1", "Firefox"))
    for email in ("tidy@post.example", "nobody@post.example"):
        with pytest.raises(SignInRefused):
            sign_in(elsewhere, email, "not the password 1")
    later = replace(elsewhere, at=NOW + timedelta(days=8))
    sign_in(later, "tidy@post.example", PASSWORD)
    with visit.transaction() as session:
        counts = session.scalars(select(SignInThrottle.last_at)).all()
        tries = session.scalars(select(SignIn.outcome).where(SignIn.ip == "198.18.77.1").order_by(SignIn.id)).all()
    assert set(counts) == {later.at}
    assert tries == ["wrong_password", "signed_in"]


def test_a_password_that_changes_during_its_check_opens_no_session(visit: Visit) -> None:
    """Somebody changes it because it leaked; whoever has it is just being checked."""
    user_id = person(visit, "leak@post.example")
    with visit.transaction() as session:
        token = issue_token(session, user_id, TokenKind.RESET_PASSWORD, at=visit.at)

    class SlowHasher(Hasher):
        def matches(self, stored: str | None, password: str) -> bool:
            found = super().matches(stored, password)
            reset_password(visit, token, f"{PASSWORD} new")
            return found

    slow = SlowHasher(HashCost(memory_kib=8, passes=1, lanes=1))
    with pytest.raises(SignInRefused):
        sign_in(replace(visit, hashing=slow), "leak@post.example", PASSWORD)
    slow.close()


def test_a_hash_of_another_cost_is_made_anew_at_the_next_sign_in(visit: Visit) -> None:
    user_id = person(visit, "older@post.example")
    dearer = Hasher(HashCost(memory_kib=16, passes=1, lanes=1))
    before = stored_hash(visit, user_id)
    sign_in(replace(visit, hashing=dearer), "older@post.example", PASSWORD)
    after = stored_hash(visit, user_id)
    assert "m=8," in before and "m=16," in after
    assert sign_in(replace(visit, hashing=dearer), "older@post.example", PASSWORD).user_id == user_id
    assert stored_hash(visit, user_id) == after
    dearer.close()


def at_once(act: Callable[[int], object]) -> list[Exception | None]:
    """Do something in several threads that all begin at the same moment; return what each raised."""
    gate = threading.Barrier(AT_ONCE)

    def one(number: int) -> Exception | None:
        gate.wait()
        try:
            act(number)
        except (LinkOver, SignInRefused, TooManyTries) as error:
            return error
        return None

    with ThreadPoolExecutor(AT_ONCE) as threads:
        return list(threads.map(one, range(AT_ONCE)))


def person(visit: Visit, email: str, *, status: UserStatus = UserStatus.ACTIVE) -> int:
    hashed = visit.hashing.hash(PASSWORD)
    with visit.transaction() as session:
        values = {"email": email, "display_name": "P", "role": Role.FOLLOWER.value, "status": status.value}
        user = User(tenant_id=visit.tenant_id, password_hash=hashed, **values)
        session.add(user)
        session.flush()
        return user.id


def people_with(visit: Visit, email: str) -> int:
    with visit.transaction() as session:
        return session.scalar(select(func.count()).where(User.email == email)) or 0


def stored_hash(visit: Visit, user_id: int) -> str:
    with visit.transaction() as session:
        return session.scalar(select(User.password_hash).where(User.id == user_id)) or ""
