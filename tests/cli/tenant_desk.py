"""A command line at work on a brand of its own: what it says, sites that serve it, and somebody who holds something."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from copydesk.audit import read_entries
from copydesk.bootstrap import Runtime
from copydesk.cli import run
from copydesk.identity import Role, User
from copydesk.replication import NewStrategy, NewSubscription, add_strategy, subscribe
from copydesk.vault import Account
from sqlalchemy import text

FLAGS = ("--host", "dawn.localhost", "--theme", "obsidian", "--locale", "es", "--markets", "BTC/USDT")


class Sites(BaseHTTPRequestHandler):
    """Two processes of the sites in one: every other answer comes from one that looks at its files later."""

    installation: Runtime
    late = 0

    def do_GET(self) -> None:
        host = (self.headers["Host"] or "").partition(":")[0]
        self.installation.directory.refresh()
        tenant = self.installation.directory.by_host(host)
        type(self).late -= tenant is not None
        known = tenant is not None and (self.late < 0 or self.late % 2 == 0)
        self.send_response(200 if known else 404)
        self.end_headers()
        if tenant is not None and known:
            self.wfile.write(json.dumps({"config": tenant.revision_hash}).encode())

    def log_message(self, *_: Any) -> None:
        pass


@dataclass
class Desk:
    root: Path
    capsys: pytest.CaptureFixture[str]
    port: int = 9  # Nobody listens there.

    def json(self, *argv: str, code: int = 0) -> Any:
        assert run(["tenant", *argv, "--json"]) == code
        return json.loads(self.capsys.readouterr().out.splitlines()[-1])

    def said(self, *argv: str, code: int = 0) -> str:
        assert run(["tenant", *argv]) == code
        out, err = self.capsys.readouterr()
        return out + err

    def new(self) -> Any:
        return self.json("new", "dawn", *FLAGS, "--port", str(self.port))

    def apply(self, *argv: str, code: int = 0) -> Any:
        return self.json("apply", "dawn", *argv, "--port", str(self.port), code=code)

    @property
    def file(self) -> Path:
        return self.root / "tenants" / "dawn" / "tenant.yaml"


def acts(slug: str) -> list[str]:
    runtime = Runtime()
    try:
        number = runtime.tenant_ids[slug]
        with runtime.db.tenant(number) as session:
            return [one.act for one in reversed(read_entries(session, number, limit=20))]
    finally:
        runtime.close()


def held(number: int, runtime: Runtime) -> None:
    """Let a follower of the brand hold half a coin."""
    with runtime.db.tenant(number) as session:
        users = [User(tenant_id=number, email=f"{n}@b.invalid", display_name=n, role=Role.TRADER) for n in "ab"]
        session.add_all(users)
        session.flush()
        place = {"venue": "okx", "environment": "lab", "label": "one", "shard": "okx-lab:0"}
        accounts = [Account(tenant_id=number, user_id=user.id, **place) for user in users]
        session.add_all(accounts)
        session.flush()
        strategy = add_strategy(session, NewStrategy(users[0].id, accounts[0].id, "steady", "Steady", "Buys."))
        copying = subscribe(session, NewSubscription(strategy, accounts[1].id, Decimal(1000)))
        book = "INSERT INTO book (tenant_id, subscription_id, symbol, qty) VALUES (:tenant, :copying, 'BTC/USDT', 0.5)"
        session.execute(text(book), {"tenant": number, "copying": copying})
