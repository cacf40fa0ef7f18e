"""A session's token changes whenever the session comes to be worth more, and is worth nothing once it is over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from copydesk.db import Database
from copydesk.identity import EndReason, Origin, Role, SessionLimits, User, UserSession
from copydesk.identity.factors.tables import Passkey, TotpSecret
from copydesk.identity.sessions import (
    FoundSession,
    SessionOver,
    Started,
    end_session,
    end_sessions,
    find_session,
    open_sessions,
    pass_factor,
    start_session,
    step_up,
)
from copydesk.tenancy import ensure_tenant
from sqlalchemy import event, select

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LIMITS = SessionLimits(idle=timedelta(minutes=30), absolute=timedelta(hours=12))
ORIGIN = Origin("203.0.113.7", "Firefox")


@dataclass
class Sessions:
    """People of one brand and their sessions."""

    database: Database
    tenant_id: int
    made: int = 0

    def person(self, role: Role = Role.FOLLOWER, *, totp: bool = False, passkey: bool = False) -> int:
        self.made += 1
        with self.database.tenant(self.tenant_id) as session:
            name = f"p{self.made}"
            user = User(tenant_id=self.tenant_id, email=f"{name}@x.example", display_name=name, role=role.value)
            session.add(user)
            session.flush()
            mine = {"tenant_id": self.tenant_id, "user_id": user.id, "created_at": NOW}
            if totp:
                session.add(TotpSecret(**mine, sealed=b"x", confirmed=True))
            if passkey:
                ids = {"credential_id": name.encode(), "public_key": b"x", "sign_count": 0, "rp_id": "x", "label": "x"}
                session.add(Passkey(**mine, **ids))
            return user.id

    def start(self, user_id: int, *, at: datetime = NOW) -> Started:
        with self.database.tenant(self.tenant_id) as session:
            return start_session(session, user_id, origin=ORIGIN, limits=LIMITS, at=at)

    def find(self, token: str, *, at: datetime = NOW) -> FoundSession | None:
        with self.database.tenant(self.tenant_id) as session:
            return find_session(session, token, ip="203.0.113.7", idle=LIMITS.idle, at=at)

    def pass_(self, started: Started, factor: str, *, at: datetime = NOW) -> str:
        with self.database.tenant(self.tenant_id) as session:
            return pass_factor(session, started.session_id, factor, at=at)


@pytest.fixture(scope="module")
def sessions(database_url: str) -> Iterator[Sessions]:
    database = Database.connect(database_url, pool_size=2)
    with database.installation() as session:
        tenant_id = ensure_tenant(session, "aurora")
    yield Sessions(database, tenant_id)
    database.dispose()


def test_the_token_changes_with_the_second_factor_and_the_session_stays(sessions: Sessions) -> None:
    started = sessions.start(sessions.person(totp=True))
    half = sessions.find(started.token)
    assert half is not None and not half.visitor.signed_in
    token = sessions.pass_(started, "totp")
    assert sessions.find(started.token) is None
    whole = sessions.find(token)
    assert whole is not None and whole.visitor.signed_in and whole.visitor.factor == "totp"
    assert whole.visitor.session_id == started.session_id


def test_the_token_changes_with_each_step_up(sessions: Sessions) -> None:
    started = sessions.start(sessions.person(totp=True))
    before = sessions.pass_(started, "totp")
    later = NOW + timedelta(minutes=20)
    with sessions.database.tenant(sessions.tenant_id) as session:
        token = step_up(session, started.session_id, at=later)
    assert sessions.find(before, at=later) is None
    found = sessions.find(token, at=later)
    assert found is not None and found.visitor.stepped_up_at == later


@pytest.mark.parametrize(("factor", "fresh"), (("totp", True), ("passkey", True), ("sms", False), ("recovery", False)))
def test_only_strong_factors_count_as_given_just_now(sessions: Sessions, factor: str, fresh: bool) -> None:
    token = sessions.pass_(sessions.start(sessions.person(totp=True)), factor)
    found = sessions.find(token)
    assert found is not None and (found.visitor.stepped_up_at == NOW) is fresh


def test_a_session_that_never_gets_its_second_factor_is_over_soon(sessions: Sessions) -> None:
    started = sessions.start(sessions.person(passkey=True))
    assert sessions.find(started.token, at=NOW + timedelta(minutes=9)) is not None
    assert sessions.find(started.token, at=NOW + timedelta(minutes=10)) is None


def test_an_operator_passes_what_there_is_and_is_enrolled_with_a_passkey_only(sessions: Sessions) -> None:
    with_app = sessions.start(sessions.person(Role.OPERATOR, totp=True))
    half = sessions.find(with_app.token)
    assert half is not None and not half.visitor.signed_in, "an app that is there must be passed first"
    passed = sessions.find(sessions.pass_(with_app, "totp"))
    assert passed is not None and passed.visitor.signed_in and not passed.visitor.enrolled
    with_key = sessions.find(sessions.pass_(sessions.start(sessions.person(Role.OPERATOR, passkey=True)), "passkey"))
    assert with_key is not None and with_key.visitor.enrolled


def test_an_ended_session_is_found_no_more_and_comes_to_nothing(sessions: Sessions) -> None:
    user_id = sessions.person(totp=True)
    started = sessions.start(user_id)
    with sessions.database.tenant(sessions.tenant_id) as session:
        assert end_session(session, user_id, started.session_id, at=NOW)
        assert not end_session(session, user_id, started.session_id, at=NOW)
    assert sessions.find(started.token) is None
    with pytest.raises(SessionOver):
        sessions.pass_(started, "totp")


def test_nobody_ends_the_session_of_somebody_else(sessions: Sessions) -> None:
    mine, theirs = sessions.person(), sessions.person()
    started = sessions.start(theirs)
    with sessions.database.tenant(sessions.tenant_id) as session:
        assert not end_session(session, mine, started.session_id, at=NOW)
    assert sessions.find(started.token) is not None


def test_all_sessions_of_one_person_end_but_the_one_that_is_kept(sessions: Sessions) -> None:
    user_id, other = sessions.person(), sessions.start(sessions.person())
    started = [sessions.start(user_id) for _ in range(3)]
    with sessions.database.tenant(sessions.tenant_id) as session:
        ended = end_sessions(session, user_id, reason=EndReason.ROLE_CHANGED, at=NOW, keep=started[1].session_id)
        rows = session.scalars(select(UserSession.end_reason).where(UserSession.user_id == user_id)).all()
        left = open_sessions(session, user_id, idle=LIMITS.idle, at=NOW)
    assert ended == 2 and sorted(map(str, rows)) == ["None", "role_changed", "role_changed"]
    assert [one.id for one in left] == [started[1].session_id]
    assert sessions.find(other.token) is not None


def test_a_session_is_found_by_one_query(sessions: Sessions) -> None:
    started = sessions.start(sessions.person(totp=True))
    statements: list[str] = []
    event.listen(sessions.database.engine, "before_cursor_execute", lambda *told: statements.append(str(told[2])))
    assert sessions.find(started.token) is not None
    assert [one for one in statements if not one.startswith("SELECT set_config")] == statements[-1:]


@pytest.mark.parametrize("token", ("", "x", "é" * 40, "\ud800", "a" * 10_000))
def test_a_token_that_is_none_is_nobodys(sessions: Sessions, token: str) -> None:
    assert sessions.find(token) is None


def test_secrets_of_sessions_are_not_shown_by_accident(sessions: Sessions) -> None:
    started = sessions.start(sessions.person())
    assert started.token not in repr(started)
