"""A suspended brand: strangers find it paused, whoever is signed in keeps what they need, and staff everything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from copydesk.db import Database
from copydesk.notifications import Kind, Postponed, Waiting
from copydesk.tenancy import Tenant, TenantDirectory, TenantStatus
from copydesk.web import create_app
from copydesk.web.database import db
from copydesk.web.letters import LetterWriter
from flask import Flask
from flask.testing import FlaskClient
from matrix_people import NOBODY, PERSONAS, seed_people, token_of
from site_seed import HOSTS, NOW, STRATEGIES, FakeRuntime, FixedClock, Seeded

PAUSED, OPEN, NAME = "boreal", "aurora", "BOREAL"
BY_NAME = {persona.name: persona for persona in PERSONAS}


@dataclass
class Suspending:
    """A directory in which one brand is suspended."""

    directory: TenantDirectory

    def __getattr__(self, name: str) -> object:
        return getattr(self.directory, name)

    def by_host(self, host: str) -> Tenant | None:
        return _suspended(self.directory.by_host(host))

    def by_slug(self, slug: str) -> Tenant | None:
        return _suspended(self.directory.by_slug(slug))


def _suspended(tenant: Tenant | None) -> Tenant | None:
    if tenant is None or tenant.slug != PAUSED:
        return tenant
    return replace(tenant, status=TenantStatus.SUSPENDED, suspend_reason="an unpaid invoice")


@pytest.fixture(scope="module")
def app(runtime: FakeRuntime, seeded: Seeded, database_url: str) -> Iterator[Flask]:
    database = Database.connect(database_url, pool_size=1)
    seed_people(database, seeded, runtime.identity_vault)
    database.dispose()
    directory: TenantDirectory = Suspending(runtime.directory)  # type: ignore[assignment]
    app = create_app(replace(runtime, directory=directory), clock=FixedClock())
    yield app
    with app.app_context():
        db.engine.dispose()


def visit(app: Flask, path: str, who: str = "nobody", brand: str = PAUSED, **values: str) -> tuple[int, str]:
    browser: FlaskClient = app.test_client()
    if who != NOBODY.name:
        browser.set_cookie("session", token_of(BY_NAME[who], brand), domain=HOSTS[brand])
    answer = browser.get(path, base_url=f"http://{HOSTS[brand]}", buffered=True, headers=values)
    return answer.status_code, answer.text


@pytest.mark.parametrize("path", ["/", "/strategies", f"/strategies/{STRATEGIES[PAUSED][0]}", "/account/register"])
def test_a_stranger_finds_the_site_paused_in_the_brands_own_look_and_language(app: Flask, path: str) -> None:
    status, page = visit(app, path)
    assert status == 503
    assert "This site is paused" in page
    assert NAME in page
    assert "unpaid" not in page


def test_a_follower_sees_the_same_there_and_still_reaches_account_and_keys(app: Flask) -> None:
    assert visit(app, "/", "follower")[0] == 503
    assert [visit(app, path, "follower")[0] for path in ("/account", "/keys")] == [200, 200]


def test_sign_in_and_the_parts_of_pages_are_there(app: Flask) -> None:
    paths = ("/account/sign-in", "/theme/core/css/base.css", "/brand/logo.svg", "/manifest.webmanifest")
    assert [visit(app, path)[0] for path in paths] == [200] * len(paths)


def test_its_staff_sees_every_page(app: Flask) -> None:
    assert [visit(app, path, "owner")[0] for path in ("/", "/strategies", "/risk", "/panel")] == [200] * 4


def test_the_other_brand_is_not_paused(app: Flask) -> None:
    assert visit(app, "/", brand=OPEN)[0] == 200


def test_letters_about_an_account_leave_and_invitations_wait(app: Flask, runtime: FakeRuntime, seeded: Seeded) -> None:
    writer = LetterWriter(app, lambda: seeded.tenant_ids, runtime.site_url)
    facts = {"link": "/account/reset/x"}
    mail = Waiting(1, seeded.tenant_ids[PAUSED], "a@example.org", Kind.RESET_PASSWORD, "en", facts, {}, NOW, 1)
    assert writer.write(mail).subject
    with pytest.raises(Postponed, match="suspended"):
        writer.write(replace(mail, kind=Kind.INVITED))


def test_programs_are_told_the_same(app: Flask) -> None:
    status, said = visit(app, "/api/v1/strategies")
    assert status == 503
    assert "Nothing is copied at the moment" in said
