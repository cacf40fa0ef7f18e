"""A site whose panel is used: browsers of its staff, forms as a browser sends them, and what came of it."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from copydesk.audit import read_entries
from copydesk.bootstrap import declared_settings
from copydesk.identity import Role, User
from copydesk.identity.access.tables import StaffGrant
from copydesk.identity.factors.tables import TotpSecret
from copydesk.notifications.tables import Mail
from copydesk.tenancy import Tenant, TenantDirectory
from copydesk.tenancy.overrides import DatabaseOverrides
from copydesk.tenancy.revisions import Revision
from copydesk.web import create_app
from copydesk.web.database import db
from flask import Flask
from flask.testing import FlaskClient
from form_posts import token_in
from matrix_people import signed_in
from site_seed import HOSTS, NOW, ROOT, FakeRuntime
from sqlalchemy import select, text
from werkzeug.test import TestResponse

_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
_NUMBERS = itertools.count(1)
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


class StillClock:
    """A clock that stands still, so that only a publishing process looks at what panels have set."""

    def now(self) -> Any:
        return NOW

    def monotonic(self) -> float:
        return 0.0


class Browser(FlaskClient):
    """A browser of one member of staff on one brand."""

    host = HOSTS["aurora"]

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        kwargs.setdefault("base_url", f"http://{self.host}")
        kwargs.setdefault("buffered", True)
        return super().open(*args, **kwargs)

    def send(self, path: str, typed: dict[str, Any], *, page: str = "") -> TestResponse:
        """Send a form of a page with what stands hidden in it, and what was typed over it."""
        found = self.get(page or path)
        frame = {"csrf_token": token_in(found.text), "revision": hidden_of(found).get("revision", "")}
        return self.post(path, data={**frame, **typed})

    def confirm(self, shown: TestResponse, path: str, reason: str = "a reason", **more: Any) -> TestResponse:
        """Publish what a page of differences shows."""
        return self.post(f"{path}/publish", data={**hidden_of(shown), "reason": reason, **more})

    def change(self, path: str, typed: dict[str, Any], reason: str = "a reason") -> TestResponse:
        """Type, look at the differences, and publish them."""
        shown = self.send(path, typed)
        assert shown.status_code == 200, words(shown)
        return self.confirm(shown, path, reason)


@dataclass
class PanelSite:
    """Both brands behind one application, and who works there."""

    app: Flask
    runtime: FakeRuntime

    def browser(self, role: str = "owner", brand: str = "aurora", *, name: str = "Mara", fresh: bool = True) -> Browser:
        """Open a browser of somebody on the brand's staff, signed in with a fresh second factor."""
        token = hire(self.runtime, role, brand, name, fresh=fresh)
        browser = Browser(self.app)
        browser.host = HOSTS[brand]
        browser.set_cookie("session", token, domain=browser.host)
        return browser

    def brand(self, slug: str = "aurora") -> Tenant:
        found = self.runtime.directory.by_slug(slug)
        assert found is not None
        return found

    def revisions(self, slug: str = "aurora") -> tuple[Revision, ...]:
        with self.runtime.database.tenant(self.runtime.tenant_ids[slug]) as session:
            return self.runtime.settings_desk.history(session)

    def acts(self, slug: str = "aurora") -> list[str]:
        tenant_id = self.runtime.tenant_ids[slug]
        with self.runtime.database.tenant(tenant_id) as session:
            return [entry.act for entry in read_entries(session, tenant_id) if entry.act.startswith("settings.")]

    def proposals_told(self, slug: str = "aurora") -> list[tuple[str, str]]:
        """Return who proposed what for which reason, by the mails that tell it."""
        with self.runtime.database.tenant(self.runtime.tenant_ids[slug]) as session:
            told = session.scalars(select(Mail.facts).where(Mail.kind == "settings_wait"))
            return [(facts["who"], facts["reason"]) for facts in told]

    @contextmanager
    def other_process(self) -> Iterator[PanelSite]:
        """Run a second web process over the same files and the same database."""
        runtime = replace(self.runtime)
        runtime.directory = directory_over(runtime, self.brand().path.parents[1])
        app = create_app(runtime, clock=StillClock())
        yield PanelSite(app, runtime)
        with app.app_context():
            db.engine.dispose()

    def forget(self) -> None:
        """Take back everything that panels have set."""
        for tenant_id in self.runtime.tenant_ids.values():
            with self.runtime.database.tenant(tenant_id) as session:
                session.execute(text("UPDATE tenant SET revision = 0 WHERE id = :id"), {"id": tenant_id})
                session.execute(text("DELETE FROM setting_revision"))
        self.runtime.directory.refresh()


def directory_over(runtime: FakeRuntime, tenants: Path) -> TenantDirectory:
    """Open a directory as a web process has one: over the files, and over what panels have set."""
    return TenantDirectory(
        tenants,
        ROOT / "config" / "defaults.yaml",
        themes_dir=ROOT / "themes",
        settings=declared_settings(),
        overrides=DatabaseOverrides(lambda: runtime.database),
    )


def hire(runtime: FakeRuntime, role: str, brand: str, name: str, *, fresh: bool = True) -> str:
    """Store somebody of the brand's staff with a fresh second factor, and return their session's token."""
    tenant_id = runtime.tenant_ids[brand]
    number = next(_NUMBERS)
    with runtime.database.tenant(tenant_id) as session:
        user = User(
            tenant_id=tenant_id,
            email=f"person{number}@example.com",
            display_name=name,
            role=str(Role.STAFF),
            created_at=NOW,
            email_verified_at=NOW,
        )
        session.add(user)
        session.flush()
        session.add(signed_in(tenant_id, user.id, f"token-{number}", fresh=fresh))
        secret = TotpSecret(tenant_id=tenant_id, user_id=user.id, confirmed=True, created_at=NOW)
        secret.sealed = runtime.identity_vault.seal(tenant_id, user.id, "totp.secret", _SECRET)
        session.add_all([secret, StaffGrant(tenant_id=tenant_id, user_id=user.id, role=role, at=NOW)])
    return f"token-{number}"


def hidden_of(page: TestResponse) -> dict[str, Any]:
    """Return what stands hidden in a page's forms, as a browser would send it."""
    found: dict[str, Any] = {}
    for name, value in _HIDDEN.findall(page.text):
        found.setdefault(html.unescape(name), []).append(html.unescape(value))
    return found | {"csrf_token": token_in(page.text), "revision": found.get("revision", [""])[0]}


def words(answer: TestResponse) -> str:
    """Return what a page says, without its markup."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", answer.text, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())
