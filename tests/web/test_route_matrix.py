"""Every route × every role × own and other brand × own and other object: the answer is the table's, in every cell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from bare_layout import bare_themes
from copydesk.db import Database
from copydesk.identity import Role
from copydesk.web.access import Need, undeclared
from copydesk.web.csrf import FIELD
from flask import Flask
from flask.testing import FlaskClient
from form_posts import form_token
from matrix_people import NOBODY, PERSONAS, Objects, Persona, begin_again, bring_token_back, seed_people, token_of
from matrix_table import EVERYBODY, LEADS_TO, MAY, RESTS, TABLE, Row
from site_seed import HOSTS, FakeRuntime, Seeded

HOME = "aurora"
CELLS_MIN = 3_000
_MADE_BY_FLASK = {"HEAD", "OPTIONS"}


@dataclass
class Matrix:
    """Everybody's browsers: one for each person, with a session of one brand, on each brand."""

    app: Flask
    database: Database
    seeded: Seeded
    objects: Objects
    browsers: dict[tuple[str, str], tuple[FlaskClient, str]] = field(default_factory=dict)

    def status(self, row: Row, persona: Persona, brand: str, path: str) -> int:
        browser, token = self._browser(persona, brand)
        data = {FIELD: token} if row.method == "POST" else None
        base = f"http://{HOSTS[brand]}"
        return browser.open(path, method=row.method, data=data, base_url=base, buffered=True).status_code

    def begin_again(self, persona: Persona, brand: str) -> None:
        """Take back what a cell may have changed: the session that it ended, its token, the cookie that it dropped."""
        begin_again(self.database, self.seeded, brand)
        if persona is not NOBODY:
            bring_token_back(self.objects, persona, brand)
            self._browser(persona, brand)[0].set_cookie("session", token_of(persona, HOME), domain=HOSTS[brand])

    def _browser(self, persona: Persona, brand: str) -> tuple[FlaskClient, str]:
        if (persona.name, brand) not in self.browsers:
            browser = Visitor(self.app, use_cookies=True)
            browser.host = HOSTS[brand]
            if persona is not NOBODY:
                browser.set_cookie("session", token_of(persona, HOME), domain=browser.host)
            self.browsers[persona.name, brand] = browser, form_token(browser)
        return self.browsers[persona.name, brand]


class Visitor(FlaskClient):
    """A browser on one host."""

    host = ""

    def get(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        return super().get(*args, **{"base_url": f"http://{self.host}", **kwargs})


class NoTexter:
    """A carrier of text messages that has none to carry here."""

    def send(self, to: str, text: str) -> None:
        raise AssertionError(f"an empty form sent {len(text)} characters to {to}")


@pytest.fixture(scope="module")
def runtime(runtime: FakeRuntime, tmp_path_factory: pytest.TempPathFactory) -> FakeRuntime:
    """The pages without the frame around them."""
    themes = bare_themes(runtime.themes_dir, tmp_path_factory.mktemp("themes"))
    return replace(runtime, themes_dir=themes, texters=dict.fromkeys(HOSTS, NoTexter()))


@pytest.fixture(scope="module")
def matrix(app: Flask, runtime: FakeRuntime, database_url: str, seeded: Seeded) -> Iterator[Matrix]:
    database = Database.connect(database_url, pool_size=1)
    users = seed_people(database, seeded, runtime.identity_vault)
    yield Matrix(app, database, seeded, Objects(database, seeded, users))
    database.dispose()


def expected(row: Row, persona: Persona, brand: str, *, own: bool) -> int:
    """Say what a cell's answer must be, by the table alone."""
    at_home = brand == HOME
    if row.needs in EVERYBODY:
        if row.whole is not None and persona is not NOBODY and persona.passed and at_home:
            return row.whole
    else:
        if persona is NOBODY or not at_home:
            return 403 if row.link else _elsewhere(row)
        if refusal := _refusal(row, persona):
            return refusal
    if (special := _special(row, persona)) is not None:
        return special
    own = own and (row.object != "passkey" or persona.enrolled)
    answer = (row.own if own or row.other is None else row.other) if row.only in {"", brand} else 404
    if row.link and row.object and not own and "risk:read" in MAY[persona.may]:
        return row.own  # Who reads a brand's risk reads that of each of its subscriptions.
    return answer


def _special(row: Row, persona: Persona) -> int | None:
    """Return the answer of a state that gets another one than the rest."""
    if row.leads:
        return 303 if MAY[persona.may] & LEADS_TO else row.own
    states = (
        (persona is not NOBODY and persona.enrolled and not persona.passed, row.half),
        (not persona.enrolled, row.bare),
        (persona.role is Role.OPERATOR, row.by_passkey),
        (persona.role in {Role.STAFF, Role.OPERATOR}, row.of_staff),
    )
    return next((answer for is_so, answer in states if is_so and answer is not None), None)


def _refusal(row: Row, persona: Persona) -> int | None:
    if row.needs == "second_step":
        return None
    if not persona.passed:
        return _elsewhere(row)
    may = MAY[persona.may]
    if row.needs not in may and not (row.link and "risk:read" in may):
        return 403
    if row.enrolled and not persona.enrolled:
        return _elsewhere(row, post=403)
    if row.holds and persona.held and row.needs in RESTS:
        return 403
    asks = row.fresh and persona.enrolled
    return None if persona.fresh or not asks else _elsewhere(row, post=403)


def _elsewhere(row: Row, *, post: int = 401) -> int:
    return 303 if row.method == "GET" and not row.path.startswith("/api/") else post


def objects_of(row: Row, *, at_home: bool) -> tuple[bool, ...]:
    """Tell about whose objects a row is asked: abroad one is enough, for nobody is known there."""
    return (True, False) if row.other is not None and (at_home or row.needs in EVERYBODY) else (True,)


def cells(row: Row) -> Iterator[tuple[Persona, str, bool]]:
    """Give every cell of a row: who asks, on which brand, about their own or another's object."""
    for persona in PERSONAS:
        for brand in HOSTS:
            if not persona.is_whole and (row.needs == "public" or brand != HOME):
                continue  # Neither everybody's pages nor a brand that does not know them ask what may lack.

            for own in objects_of(row, at_home=brand == HOME):
                yield persona, brand, own


def address(row: Row, value: str) -> str:
    before, _, rest = row.path.partition("<")
    if not rest:
        return row.path
    return before + value + row.path.rpartition(">")[2]


def declaration(view: Any) -> tuple[str, bool, bool, bool]:
    """Return what a view says that it needs: the permission, a fresh factor, that nothing is on hold, any factor."""
    need = getattr(view, "need", None) or Need(view.needs)
    return str(view.needs), need.fresh, need.holds, need.enrolled


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.method} {row.path}")
def test_every_role_gets_what_the_table_says(matrix: Matrix, row: Row) -> None:
    surprises = defaultdict(list)
    if row.method == "POST":
        for brand in HOSTS:
            begin_again(matrix.database, matrix.seeded, brand)
    for persona, brand, own in cells(row):
        wanted = expected(row, persona, brand, own=own)
        find = matrix.objects.own if own else matrix.objects.other
        path = address(row, find(row.object, persona, brand, anew=wanted < 400) if row.object else "")
        found = matrix.status(row, persona, brand, path)
        if found != wanted:
            whose = "own" if own else "other"
            surprises[f"{brand}, {whose}: wanted {wanted}, found {found}"].append(persona.name)
        if row.method == "POST" and found < 400:
            matrix.begin_again(persona, brand)
    assert not surprises, "\n".join(f"{what}: {', '.join(names)}" for what, names in surprises.items())


def test_every_route_stands_in_the_table_once(app: Flask) -> None:
    routes = sorted(
        (method, rule.rule) for rule in app.url_map.iter_rules() for method in (rule.methods or set()) - _MADE_BY_FLASK
    )
    assert routes == sorted((row.method, row.path) for row in TABLE)


def test_every_view_declares_what_the_table_says(app: Flask) -> None:
    assert undeclared(app) == []
    declared = {
        (method, rule.rule): declaration(app.view_functions[rule.endpoint])
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - _MADE_BY_FLASK
    }
    stated = {(row.method, row.path): (row.needs, row.fresh, row.holds, row.enrolled) for row in TABLE}
    assert {key: (declared[key], stated[key]) for key in stated if declared[key] != stated[key]} == {}


def test_the_matrix_has_its_size() -> None:
    assert sum(len(list(cells(row))) for row in TABLE) >= CELLS_MIN
