"""Secrets that take their real ways through the site, and are then looked for in everything that could tell them."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from canary_field import crash_report, database_dump, leaks, redis_dump
from copydesk.keys import IntakeState
from copydesk.keys.connect import place_of
from copydesk.keys.tables import KeyIntake
from copydesk.notifications.outbox import FACTS_FIELD
from copydesk.notifications.tables import Mail
from copydesk.stack import RedisServer, Stack
from copydesk.vault import (
    FileSecretStore,
    KeyRing,
    MemoryKeyStore,
    NewAccount,
    PostgresDataKeys,
    Vault,
    add_account,
)
from copydesk.web.database import db
from copydesk.workers.wake import Waker
from factor_site import CODE, SECRET, FactorSite, Visit
from flask import Response, request
from form_posts import submit
from redis import Redis
from site_seed import FakeRuntime
from sqlalchemy import select

API_KEY, API_SECRET = "CanaryApiKey7h2Q", "CanaryApiSecret9xK4mZ"
PASSPHRASE, PASSWORD = "CanaryPassphrase5tR8", "CanaryPassword brass 41 heron"
SMTP, PHONE = "CanarySmtpPassword3vW", "+4915112345987"
SHOWN_ONCE = ("/account/factors/totp", "/account/factors/recovery")


@dataclass
class Trail:
    """What the site has answered and logged, and the secrets that it was given or made."""

    pages: list[tuple[str, bytes]] = field(default_factory=list)
    log: io.StringIO = field(default_factory=io.StringIO)
    planted: dict[str, str] = field(default_factory=dict)

    def keep(self, response: Response) -> Response:
        if not response.direct_passthrough:
            headers = "\n".join(f"{name}: {value}" for name, value in response.headers if name != "Set-Cookie")
            self.pages.append((request.path, headers.encode() + response.get_data()))
        return response

    def answers(self) -> bytes:
        """Return every page but those whose purpose is to show their owner a secret, once."""
        return b"\n".join(body for path, body in self.pages if path not in SHOWN_ONCE)


@pytest.fixture
def trail(runtime: FakeRuntime, redis_server: RedisServer, redis_url: str) -> Iterator[tuple[FactorSite, Trail]]:
    """The site with a real Redis; everything that is logged from DEBUG on is kept."""
    trail = Trail()
    site = FactorSite(replace(runtime, redis_url=redis_url))
    site.app.after_request(trail.keep)
    handler, root = logging.StreamHandler(trail.log), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield site, trail
    root.setLevel(level)
    root.removeHandler(handler)
    with site.app.app_context():
        db.engine.dispose()


def test_planted_secrets_are_nowhere_to_be_found(
    trail: tuple[FactorSite, Trail], stack: Stack, owner_url: str, redis_url: str, tmp_path: Path
) -> None:
    site, seen = trail
    register(site, seen)
    person = enroll(site, seen)
    connect(site, seen, person)
    trade(site, seen, person, redis_url)
    store_smtp(seen, tmp_path)
    stumble(site, person)
    places = {
        "database dump": database_dump(owner_url),
        "Redis": redis_dump(redis_url),
        "pages": seen.answers(),
        "log": seen.log.getvalue().encode(),
        "servers' logs": b"".join(path.read_bytes() for path in stack.var.log.iterdir()),
        "secret store": b"".join(path.read_bytes() for path in tmp_path.rglob("*.json")),
        "crash report": crash_report(API_SECRET),
    }
    assert all(places.values())
    assert b"canary@aurora.example" in places["database dump"]
    assert b"binance-lab" in places["Redis"]
    assert len(seen.planted) == 10
    found = {
        (name, place): leaks(secret, content)
        for name, secret in seen.planted.items()
        for place, content in places.items()
        if leaks(secret, content)
    }
    assert found == {}


def test_a_secret_that_leaks_would_be_found() -> None:
    for place in (
        API_SECRET.encode(),
        API_SECRET.encode().hex().encode(),
        b'{"x": "AENhbmFyeUFwaVNlY3JldDl4SzRtWg=="}',
    ):
        assert leaks(API_SECRET, b"before " + place + b" after")
    assert not leaks(API_SECRET, b"CanaryApiSecret")


def register(site: FactorSite, seen: Trail) -> None:
    """Open an account by its page, mistype the password at sign-in, and have a link sent to reset it."""
    visitor = Visit(site.app)
    form = {"email": "canary@aurora.example", "display_name": "Canary", "password": PASSWORD, "role": "follower"}
    answer = submit(visitor, "/account/register", {**form, "terms": "yes", "repeat": PASSWORD})
    assert answer.status_code == 303, answer.text
    submit(visitor, "/account/register", {**form, "email": "no address"})
    submit(visitor, "/account/sign-in", {"email": form["email"], "password": PASSWORD + "x"})
    submit(visitor, "/account/sign-in", {"email": form["email"], "password": PASSWORD})
    submit(visitor, "/account/forgot", {"email": form["email"]})
    seen.planted["password"] = PASSWORD
    with site.runtime.database.tenant(site.tenant_id) as session:
        mail = session.scalars(select(Mail).where(Mail.sealed_facts.is_not(None)).order_by(Mail.id)).first()
        assert mail is not None
        assert mail.sealed_facts is not None
        facts = site.runtime.identity_vault.open(site.tenant_id, mail.id, FACTS_FIELD, mail.sealed_facts)
    seen.planted["mail link"] = facts.rpartition("/")[2].strip('"} ')


def enroll(site: FactorSite, seen: Trail) -> Visit:
    """Set an authenticator app up; its secret and the recovery codes are shown on these pages and never again."""
    person = site.person()
    secret = SECRET.search(person.get("/account/factors/totp").text)
    assert secret
    shown = person.set_up_app()
    assert shown.status_code == 200, shown.text
    seen.planted["totp secret"] = secret.group(1).replace(" ", "")
    seen.planted["recovery code"] = CODE.findall(shown.text)[0]
    texted = person.send("/account/factors/phone", phone=PHONE)
    assert texted.status_code in (200, 303), texted.text
    person.get("/account/factors")
    seen.planted |= {"phone number": PHONE, "session token": person.token}
    return person


def connect(site: FactorSite, seen: Trail, person: Visit) -> None:
    """Hand a key in by its page, first with a mistake, and have the desk take it over into the vault."""
    site.runtime.intake_opener.ready()
    page = "/keys/new/okx/enter"
    typed = {"api_key": API_KEY, "secret": API_SECRET, "passphrase": PASSPHRASE, "environment": "lab"}
    assert person.send(page, **(typed | {"api_key": f"{API_KEY} {API_KEY}", "label": "mine"})).status_code == 422
    answer = person.send(page, **typed, label="mine")
    assert answer.status_code == 303, answer.text
    person.get(answer.headers["Location"])
    seen.planted |= {"api key": API_KEY, "api secret": API_SECRET, "passphrase": PASSPHRASE}


def trade(site: FactorSite, seen: Trail, person: Visit, redis_url: str) -> None:
    """Do as the listener and the replicator: take the key over, open it, and wake the account's lane."""
    runtime, tenant_id = site.runtime, site.tenant_id
    vault = Vault(runtime.exchange_store, PostgresDataKeys(runtime.database))
    with runtime.database.tenant(tenant_id) as session:
        waiting = session.scalars(select(KeyIntake).where(KeyIntake.user_id == person.user_id)).one()
        assert waiting.state == IntakeState.WAITING
        assert waiting.sealed is not None
        handed = runtime.intake_opener.open(place_of(tenant_id, waiting), waiting.sealed)
        assert API_SECRET in handed
        new = NewAccount(person.user_id, "okx", "lab", "mine", "okx-lab:0", API_KEY, API_SECRET, PASSPHRASE)
        logging.getLogger("copydesk.desk").info("takes over %r", new)
        account = add_account(session, vault, new)
    opened = KeyRing(runtime.database, vault).credentials(tenant_id, [account])
    assert opened[account].secret == API_SECRET
    logging.getLogger("copydesk.desk").info("opened %r by %r and %r", opened, vault, runtime.exchange_store)
    with Redis.from_url(redis_url) as client:
        assert Waker(client).wake("drain", tenant_id=tenant_id, shard="binance-lab:0", reason="1")


def store_smtp(seen: Trail, folder: Path) -> None:
    FileSecretStore(folder, MemoryKeyStore()).set("aurora", "smtp_password", SMTP)
    seen.planted["smtp password"] = SMTP


def stumble(site: FactorSite, person: Visit) -> None:
    """Run into pages that are not there, and into forms that refuse."""
    for path in ("/nothing-here", "/keys/new/nowhere/enter", "/keys/999999"):
        assert person.get(path).status_code == 404
    person.post("/keys/new/okx/enter", data={"api_key": API_KEY, "secret": API_SECRET, "passphrase": PASSPHRASE})
    person.send("/account/factors/step-up", code="000000")
    person.get("/keys")
