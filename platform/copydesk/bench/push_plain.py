"""The plain ways to tell people what the leader did: a page that asks every second, and a job that does.

The job looks for new copies every second and tells of each in turn: a new connection to the mail server for every
letter, a request of its own for every push. It is treated kindly: it reads ids alone, and its letters need no writing.
"""

from __future__ import annotations

import http.client
import smtplib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from email.message import EmailMessage

import orjson
from py_vapid import Vapid02  # type: ignore[import-untyped]
from pywebpush import webpush  # type: ignore[import-untyped]
from sqlalchemy import text

from copydesk.bench.crowd import BRAND
from copydesk.bench.push_post import Arrived
from copydesk.bench.push_roles import PATIENCE_S, expect_port
from copydesk.bench.push_ways import SENDER, Ways
from copydesk.db import TenantSession
from copydesk.kernel import Unavailable
from copydesk.stack import wait_until

_EVERY_S = 1.0
_PLAIN = "/plain/"
_NEWEST = text("SELECT coalesce(max(id), 0) FROM copy")
_NEW = text(
    """
    SELECT c.id, c.signal_id, a.user_id FROM copy c
    JOIN account a ON a.tenant_id = c.tenant_id AND a.id = c.account_id
    WHERE c.id > :after AND c.cum_qty >= c.qty ORDER BY c.id
    """
)


@contextmanager
def asking(port: int, host: str) -> Iterator[dict[int, float]]:
    """Ask for the brand's desk every second; when each signal's row was there first, by its id."""
    expect_port(port, "web")
    seen: dict[int, float] = _Patient()

    def ask() -> None:
        connection.request("GET", "/desk", headers={"Host": host})
        page = connection.getresponse().read().decode()
        at_ms = time.time() * 1000
        for found in page.split('id="signal-')[1:]:
            seen.setdefault(int(found.partition('"')[0]), at_ms)

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with _each_second(ask):
        yield seen
    connection.close()


class _Patient(dict[int, float]):
    """Wait for what is not seen yet."""

    def __missing__(self, signal: int) -> float:
        if not wait_until(lambda: signal in self, patience_s=PATIENCE_S, poll_s=0.1):
            raise Unavailable("the desk's page never showed a signal; see log/web.log")
        return self[signal]


class Job:
    """The job: whom it has told of what so far, and when that came."""

    def __init__(self, ways: Ways) -> None:
        self._ways = ways
        self._vapid = Vapid02()
        self._vapid.generate_keys()
        with self._session() as session:
            self._after = int(session.execute(_NEWEST).scalar_one())

    def look(self) -> None:
        """Tell of every copy that is new."""
        with self._session() as session:
            rows = session.execute(_NEW, {"after": self._after}).all()
        for row in rows:
            self._mail(row.signal_id, row.user_id)
            self._push(row.signal_id, row.user_id)
            self._after = row.id

    def pushed(self, signals: list[int]) -> list[tuple[int, float]]:
        """Return when each of these signals was pushed to anybody, once everybody was."""
        return self._told(signals, lambda: self._ways.office.pushes)

    def mailed(self, signals: list[int]) -> list[tuple[int, float]]:
        """Return when each of these signals was mailed to anybody, once everybody was."""
        return self._told(signals, lambda: self._ways.office.letters)

    def _told(self, signals: list[int], arrived: Callable[[], list[Arrived]]) -> list[tuple[int, float]]:
        def found() -> list[tuple[int, float]]:
            told = [(_signal_of(one), one.at_ms) for one in arrived()]
            return [(signal, at_ms) for signal, at_ms in told if signal in signals]

        everybody = len(signals) * len(self._ways.browsers)
        if not wait_until(lambda: len(found()) >= everybody, patience_s=PATIENCE_S, poll_s=0.2):
            raise Unavailable(f"the plain job told {len(found())} of {everybody}")
        return found()

    def _mail(self, signal_id: int, user_id: int) -> None:
        letter = EmailMessage()
        letter["From"], letter["To"], letter["Subject"] = SENDER, f"{user_id}@bench.invalid", _PLAIN + str(signal_id)
        letter.set_content("Your copy was filled.")
        office = self._ways.office
        with smtplib.SMTP(office.mail_host, office.mail_port) as server:
            server.send_message(letter)

    def _push(self, signal_id: int, user_id: int) -> None:
        browser = self._ways.browsers[f"/push/{user_id}"].subscription
        keys = {"p256dh": browser.p256dh, "auth": browser.auth}
        told = {"endpoint": f"{self._ways.office.push_url}{_PLAIN}{signal_id}", "keys": keys}
        claims: dict[str, str | int] = {"sub": f"mailto:{SENDER}"}
        webpush(told, orjson.dumps({"title": "Copied"}), vapid_private_key=self._vapid, vapid_claims=claims)

    def _session(self) -> AbstractContextManager[TenantSession]:
        runtime = self._ways.runtime
        return runtime.db.tenant(runtime.tenant_ids[BRAND])


@contextmanager
def job(ways: Ways) -> Iterator[Job]:
    """Have the job look every second for as long as the block lasts."""
    plain = Job(ways)
    with _each_second(plain.look):
        yield plain


def _signal_of(arrived: Arrived) -> int:
    """Return the signal that the job told of; 0 for what others told."""
    head = arrived.to if arrived.to.startswith(_PLAIN) else arrived.content.partition(b"\n\n")[0].decode("latin-1")
    _, plain, rest = head.partition(_PLAIN)
    return int(rest.split()[0]) if plain else 0


@contextmanager
def _each_second(work: Callable[[], None]) -> Iterator[None]:
    over = threading.Event()

    def run() -> None:
        while not over.wait(_EVERY_S):
            work()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
