"""How a measurement's followers are reached: by a browser that takes push, and by mail. What a message tells of."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from email import message_from_bytes
from pathlib import Path
from typing import Any, NamedTuple

import http_ece  # type: ignore[import-untyped]
import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy import text

from copydesk.bench.crowd import BRAND
from copydesk.bench.push_post import Arrived, PostOffice
from copydesk.bootstrap import Runtime
from copydesk.db import TenantSession, number_array
from copydesk.kernel import Unavailable, utc_now
from copydesk.notices import Channel, NoticeKind
from copydesk.notices.preferences import set_wishes
from copydesk.notices.reaching import Browser, add_device
from copydesk.stack import wait_until

SENDER = "desk@bench.invalid"
_PATIENCE_S = 60
_COPIED = (NoticeKind.COPY_OPENED, NoticeKind.COPY_CLOSED)
_REACHED = text("UPDATE user_account SET email_verified_at = now() WHERE id = ANY(CAST(:ids AS bigint[])) RETURNING id")
_BEGUN = text("SELECT count(*) FROM notice_cursor WHERE source = 'copies'")
_SIGNALS = text("SELECT id, facts ->> 'signal_id' AS signal FROM notice WHERE id = ANY(CAST(:ids AS bigint[]))")
_LETTERS = text("SELECT id, facts ->> 'notices' AS notices FROM mail WHERE id = ANY(CAST(:ids AS bigint[]))")


class OwnBrowser:
    """A browser's half of Web Push: its keys, and what only they open (RFC 8291)."""

    def __init__(self, endpoint: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._auth = os.urandom(16)
        point = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.subscription = Browser(endpoint, _text(point), _text(self._auth))

    def reads(self, content: bytes) -> dict[str, Any]:
        """Decrypt a message with the private key of this browser alone."""
        opened = http_ece.decrypt(content, private_key=self._key, auth_secret=self._auth, version="aes128gcm")
        return dict(json.loads(opened))


class Heard(NamedTuple):
    """Somebody was told of a signal."""

    who: str
    signal_id: int
    at_ms: float


@dataclass
class Ways:
    """Everybody's browsers by the path of their push addresses, and what each message that came tells of."""

    runtime: Runtime
    office: PostOffice
    browsers: Mapping[str, OwnBrowser]
    _pushed: dict[tuple[str, int], Heard] = field(default_factory=dict)
    _mailed: dict[tuple[str, int], Heard] = field(default_factory=dict)
    _read: dict[str, int] = field(default_factory=dict)

    def pushed(self, signals: Sequence[int]) -> list[Heard]:
        """Return when everybody's browser was pushed each of these signals, once all were."""
        return self._complete(signals, self._pushed, self._read_pushes, "push messages")

    def mailed(self, signals: Sequence[int]) -> list[Heard]:
        """Return when everybody was mailed each of these signals, once all were."""
        return self._complete(signals, self._mailed, self._read_letters, "letters")

    def _complete(
        self, signals: Sequence[int], heard: dict[tuple[str, int], Heard], read: Callable[[], None], what: str
    ) -> list[Heard]:
        wanted = frozenset(signals)

        def complete() -> bool:
            read()
            return sum(signal in wanted for _, signal in heard) >= len(wanted) * len(self.browsers)

        if not wait_until(complete, patience_s=_PATIENCE_S, poll_s=0.2):
            found = sum(signal in wanted for _, signal in heard)
            told = f"{found} of {len(wanted) * len(self.browsers)} {what} came"
            raise Unavailable(f"{told}; see log/worker.log and log/web.log")
        return [one for one in heard.values() if one.signal_id in wanted]

    def _read_pushes(self) -> None:
        opened = [(one, self.browsers[one.to]) for one in self._new("push", self.office.pushes)]
        told = [(one, int(browser.reads(one.content)["id"])) for one, browser in opened]
        with self._session() as session:
            ids = {"ids": number_array([notice_id for _, notice_id in told])}
            signals = {row.id: int(row.signal or 0) for row in session.execute(_SIGNALS, ids)}
        _keep(self._pushed, (Heard(one.to, signals[notice_id], one.at_ms) for one, notice_id in told))

    def _read_letters(self) -> None:
        told = [(one, mail_number(one.content)) for one in self._new("mail", self.office.letters)]
        with self._session() as session:
            rows = session.execute(_LETTERS, {"ids": number_array([mail_id for _, mail_id in told])})
            signals = {row.id: list(_signals_in(row.notices)) for row in rows}
        _keep(self._mailed, (Heard(one.to, signal, one.at_ms) for one, number in told for signal in signals[number]))

    def _new(self, what: str, arrived: Sequence[Arrived]) -> Sequence[Arrived]:
        begin, end = self._read.get(what, 0), len(arrived)
        self._read[what] = end
        return arrived[begin:end]

    def _session(self) -> AbstractContextManager[TenantSession]:
        return self.runtime.db.tenant(self.runtime.tenant_ids[BRAND])


def reach(runtime: Runtime, office: PostOffice, users: Sequence[int]) -> Ways:
    """Have these people told of every copy, by push and by mail."""
    browsers = {f"/push/{user_id}": OwnBrowser(f"{office.push_url}/push/{user_id}") for user_id in users}
    wishes = {(kind, Channel.MAIL): True for kind in _COPIED}
    with runtime.db.tenant(runtime.tenant_ids[BRAND]) as session:
        reached = session.execute(_REACHED, {"ids": number_array(users)}).all()
        assert len(reached) == len(users), "only people who are stored can be told anything"
        for user_id, browser in zip(users, browsers.values(), strict=True):
            _connect(session, runtime, user_id, browser)
            set_wishes(session, user_id, wishes)
    return Ways(runtime, office, browsers)


def _connect(session: TenantSession, runtime: Runtime, user_id: int, browser: OwnBrowser) -> None:
    terms: dict[str, Any] = {"name": "bench", "at": utc_now(), "devices_max": 1, "private": True}
    add_device(session, runtime.identity_vault, user_id, browser.subscription, **terms)


def mail_through(office: PostOffice, root: Path) -> None:
    """Have the brand's mail leave through the office: its file says so before the roles start that read it."""
    file = root / "tenants" / BRAND / "tenant.yaml"
    brand = dict(yaml.safe_load(file.read_text()))
    brand["smtp"] = {"host": office.mail_host, "port": office.mail_port, "security": "none", "from": SENDER}
    file.write_text(yaml.safe_dump(brand, allow_unicode=True))


def await_crier(runtime: Runtime) -> None:
    """Wait until somebody looks for news of the brand: what was before that is history."""

    def begun() -> bool:
        with runtime.db.tenant(runtime.tenant_ids[BRAND]) as session:
            return bool(session.execute(_BEGUN).scalar())

    if not wait_until(begun, patience_s=_PATIENCE_S, poll_s=0.1):
        raise Unavailable("the worker does not look for news; see log/worker.log")


def mail_number(content: bytes) -> int:
    """Return the number of a letter of ours, which its Message-ID begins with."""
    return int(str(message_from_bytes(content)["Message-ID"]).lstrip("<").partition(".")[0])


def _signals_in(notices: str | None) -> Iterator[int]:
    for one in json.loads(notices or "[]"):
        if "signal_id" in one["facts"]:
            yield int(one["facts"]["signal_id"])


def _keep(known: dict[tuple[str, int], Heard], found: Iterable[Heard]) -> None:
    for one in found:
        known.setdefault((one.who, one.signal_id), one)


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
