"""Mail is stored with the change that it tells of, taken by one postman, sent, tried again, and forgotten."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from copydesk.db import Database
from copydesk.kernel import InvalidInput, Refused, Unavailable
from copydesk.notifications import RETENTION, Bell, Letter, MailState, Postponed, Waiting, queue_mail
from copydesk.notifications.post import ATTEMPTS_MAX, LEASE
from copydesk.notifications.postman import Postman
from copydesk.notifications.tables import Mail
from copydesk.tenancy import ensure_tenant
from sqlalchemy import delete, select, text

BEGIN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECRET_LINK = "/account/verify/a-token-that-nobody-may-read"


class Reversed:
    """A seal for tests: tied to its place, and not the text itself."""

    def seal(self, tenant_id: int, row_id: int, field: str, text: str, /) -> bytes:
        return f"{tenant_id} {row_id} {field} {text[::-1]}".encode()

    def open(self, tenant_id: int, row_id: int, field: str, sealed: bytes, /) -> str:
        place = f"{tenant_id} {row_id} {field} "
        assert sealed.decode().startswith(place)
        return sealed.decode().removeprefix(place)[::-1]


class Plain:
    """Write letters that say their facts."""

    def write(self, waiting: Waiting) -> Letter:
        facts = {**waiting.facts, **waiting.secret_facts}
        told = " ".join(f"{name}={facts[name]}" for name in sorted(facts))
        return Letter(waiting.id, waiting.to, "A", "a@b.example", waiting.kind, told, told, "en", waiting.queued_at)


@dataclass
class Tray:
    """A mailer that keeps letters, or answers what the test lays out: by the reader's address."""

    letters: list[Letter] = field(default_factory=list)
    answers: dict[str, Exception] = field(default_factory=dict)
    tried: int = 0

    def send(self, letter: Letter) -> None:
        self.tried += 1
        if letter.to in self.answers:
            raise self.answers[letter.to]
        self.letters.append(letter)


@dataclass
class Hour:
    """A clock that the test turns."""

    at: datetime = BEGIN

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


@dataclass
class Desk:
    """Two brands on the module's db, emptied, and a postman whose mailer is a tray."""

    db: Database
    brands: dict[str, int]
    tray: Tray
    clock: Hour
    bell: Bell
    postman: Postman

    def queue(self, to: str = "mara@reader.example", *, brand: str = "aurora", kind: str = "verify_email") -> None:
        with self.db.tenant(self.brands[brand]) as session:
            queue_mail(
                *(session, self.brands[brand], Reversed()),
                to=to,
                kind=kind,
                locale="de",
                facts={"hours": "24"} if kind == "verify_email" else {},
                secret_facts={"link": SECRET_LINK},
                at=self.clock.now(),
            )

    def rows(self, brand: str = "aurora") -> list[Mail]:
        with self.db.tenant(self.brands[brand]) as session:
            return list(session.scalars(select(Mail).order_by(Mail.id)))


@pytest.fixture
def desk(db: Database) -> Desk:
    with db.installation() as session:
        brands = {slug: ensure_tenant(session, slug) for slug in ("aurora", "boreal")}
    for tenant_id in brands.values():
        with db.tenant(tenant_id) as session:
            session.execute(delete(Mail))
    tray, clock, bell = Tray(), Hour(), Bell()
    postman = Postman(db, Reversed(), Plain(), lambda _: tray, lambda: brands, clock=clock, bell=bell)
    return Desk(db, brands, tray, clock, bell, postman)


def test_a_mail_leaves_once_with_its_facts_and_its_secret_is_then_forgotten(desk: Desk) -> None:
    desk.queue()
    assert desk.postman.sweep() == 1
    assert desk.postman.sweep() == 0
    [letter] = desk.tray.letters
    assert (letter.to, letter.text) == ("mara@reader.example", f"hours=24 link={SECRET_LINK}")
    [row] = desk.rows()
    assert (row.state, row.sealed_facts, row.sent_at, row.attempts) == (MailState.SENT, None, BEGIN, 1)


def test_a_change_that_is_rolled_back_tells_nobody(desk: Desk) -> None:
    with pytest.raises(ZeroDivisionError), desk.db.tenant(desk.brands["aurora"]) as session:
        queue_mail(
            *(session, desk.brands["aurora"], Reversed()),
            **{"to": "a@b.example", "kind": "invited", "locale": "en", "facts": {}, "at": BEGIN},
        )
        raise ZeroDivisionError
    assert desk.rows() == []


def test_what_only_its_reader_may_know_lies_nowhere_in_the_open(desk: Desk) -> None:
    desk.queue()
    with desk.db.tenant(desk.brands["aurora"]) as session:
        stored = str(session.execute(text("SELECT mail::text FROM mail")).scalar_one())
    assert "a-token-that-nobody-may-read" not in stored


@pytest.mark.parametrize(
    "address", ["", "mara", "a@b\r\nBcc: c@d.example", "a@b.example,c@d.example", "<a@b.example>", "a b@c.example"]
)
def test_what_is_not_one_address_is_not_stored(desk: Desk, address: str) -> None:
    with pytest.raises(InvalidInput):
        desk.queue(address)
    assert desk.rows() == []


@pytest.mark.parametrize("link", ["https://evil.example/", "//evil.example", "/\\evil.example", "account"])
def test_a_mail_that_links_elsewhere_is_our_mistake(desk: Desk, link: str) -> None:
    with pytest.raises(AssertionError), desk.db.tenant(desk.brands["aurora"]) as session:
        queue_mail(
            *(session, desk.brands["aurora"], Reversed()),
            **{"to": "a@b.example", "kind": "invited", "locale": "en", "facts": {"link": link}, "at": BEGIN},
        )


def test_a_mail_is_tried_later_and_later_and_then_given_up(desk: Desk) -> None:
    desk.queue()
    desk.tray.answers["mara@reader.example"] = Postponed("450 busy")
    waits = []
    while desk.rows()[0].state == MailState.WAITING:
        desk.clock.at = max(desk.clock.at, desk.rows()[0].due_at)
        desk.postman.sweep()
        waits.append(desk.rows()[0].due_at - desk.clock.at)
    [row] = desk.rows()
    assert desk.tray.tried == row.attempts == ATTEMPTS_MAX
    assert (row.state, row.failure, row.sealed_facts) == (MailState.GIVEN_UP, "450 busy", None)
    assert waits[:-1] == sorted(waits[:-1])


def test_a_mail_that_is_refused_for_good_is_not_tried_again(desk: Desk) -> None:
    desk.queue()
    desk.tray.answers["mara@reader.example"] = Refused("550 no such user", code="mail_refused")
    desk.postman.sweep()
    desk.clock.at += timedelta(days=2)
    desk.postman.sweep()
    assert (desk.tray.tried, desk.rows()[0].state) == (1, MailState.REFUSED)


def test_one_reader_who_cannot_be_reached_keeps_nobody_elses_mail(desk: Desk) -> None:
    desk.tray.answers["full@reader.example"] = Postponed("452 full")
    desk.queue("full@reader.example")
    for number in range(7):
        desk.queue(f"reader{number}@reader.example")
    assert desk.postman.sweep() == 7


def test_a_mail_server_that_is_away_is_tried_once_a_round_and_the_other_brands_mail_leaves(desk: Desk) -> None:
    desk.tray.answers |= {f"{n}@aurora.example": Unavailable("connection refused") for n in range(5)}
    for number in range(5):
        desk.queue(f"{number}@aurora.example")
    desk.queue("nils@boreal.example", brand="boreal")
    assert desk.postman.sweep() == 1
    assert desk.tray.tried == 2
    assert [row.attempts for row in desk.rows()] == [1, 0, 0, 0, 0]
    desk.tray.answers.clear()
    desk.clock.at += timedelta(minutes=1)
    assert desk.postman.sweep() == 5


def test_what_a_postman_died_over_is_tried_by_another_after_a_while(desk: Desk) -> None:
    desk.queue()
    desk.tray.answers["mara@reader.example"] = KeyboardInterrupt()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        desk.postman.sweep()
    desk.tray.answers.clear()
    assert desk.postman.sweep() == 0
    desk.clock.at += LEASE
    assert desk.postman.sweep() == 1


def test_many_postmen_send_each_mail_once(desk: Desk) -> None:
    for number in range(24):
        desk.queue(f"reader{number}@reader.example")
    together = threading.Barrier(4)

    def work() -> None:
        together.wait()
        desk.postman.sweep()

    postmen = [threading.Thread(target=work) for _ in range(4)]
    for postman in postmen:
        postman.start()
    for postman in postmen:
        postman.join()
    assert sorted(letter.id for letter in desk.tray.letters) == [row.id for row in desk.rows()]


def test_a_postman_at_work_is_woken_by_the_commit_and_ends_when_told(desk: Desk) -> None:
    stopped, sent = threading.Event(), threading.Event()
    desk.tray.send = lambda _letter: sent.set()  # type: ignore[method-assign]
    postman = threading.Thread(target=desk.postman.run, args=(stopped,))
    postman.start()
    desk.queue()
    desk.bell.ring()
    assert sent.wait(10)
    stopped.set()
    desk.bell.ring()
    postman.join(10)
    assert not postman.is_alive()


def test_what_has_left_is_forgotten_after_some_weeks_and_what_waits_is_kept(desk: Desk) -> None:
    desk.queue("sent@reader.example")
    desk.postman.sweep()
    desk.tray.answers["waits@reader.example"] = Postponed("450 busy")
    desk.queue("waits@reader.example")
    desk.clock.at += RETENTION + timedelta(days=1)
    desk.postman.sweep()
    assert [row.recipient for row in desk.rows()] == ["waits@reader.example"]
