"""The JSON API: what it answers, how it refuses, and that its description is true."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from copydesk.bootstrap import declared_settings
from copydesk.db import Database
from copydesk.tenancy import TenantDirectory
from copydesk.web import create_app
from copydesk.web.api.described import open_path
from copydesk.web.api.schemas import SCHEMAS
from copydesk.web.api.table import ENDPOINTS
from copydesk.web.database import db
from copydesk.web.problems import API_PREFIX
from flask import Flask
from flask.testing import FlaskClient
from matrix_people import PERSONAS, seed_people, token_of
from site_seed import HOSTS, ROOT, STRATEGIES, FakeRuntime, FixedClock, Seeded

Visit = Callable[[str], FlaskClient]
SLUG = STRATEGIES["aurora"][0]
ASKED = {"compare": f"?strategies={SLUG}"}
_KINDS: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "object": dict,
    "array": list,
    "null": type(None),
}


def wrong(value: Any, schema: dict[str, Any], place: str = "") -> list[str]:
    """Name every place where a value is not what its schema says."""
    if "$ref" in schema:
        return wrong(value, SCHEMAS[schema["$ref"].rpartition("/")[2]], place)
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not any(isinstance(value, _KINDS[kind]) for kind in kinds):
        return [f"{place} is {value!r}, not {kinds}"]
    if isinstance(value, dict) and "properties" in schema:
        known = schema["properties"]
        found = [f"{place}.{name}" for name in {*known} ^ {*value}]
        return found + [
            one for name in {*known} & {*value} for one in wrong(value[name], known[name], f"{place}.{name}")
        ]
    if isinstance(value, list):
        return [one for number, item in enumerate(value) for one in wrong(item, schema["items"], f"{place}[{number}]")]
    return []


def get(visit: Visit, path: str, **more: Any) -> Any:
    return visit("aurora").get(f"{API_PREFIX}{path}", **more)


@pytest.mark.parametrize("one", [one for one in ENDPOINTS if not one.own], ids=lambda one: one.name)
def test_every_public_answer_is_as_described(visit: Visit, one: Any) -> None:
    answer = get(visit, one.path.replace("<slug>", SLUG) + ASKED.get(one.name, ""))
    assert (answer.status_code, answer.mimetype) == (200, "application/json"), answer.text
    assert wrong(json.loads(answer.data), SCHEMAS[one.shape]) == []


def test_the_own_answers_are_as_described(
    visit: Visit, database_url: str, seeded: Seeded, runtime: FakeRuntime
) -> None:
    database = Database.connect(database_url, pool_size=1)
    seed_people(database, seeded, runtime.identity_vault)
    browser = visit("aurora")
    follower = next(one for one in PERSONAS if one.name == "follower")
    browser.set_cookie("session", token_of(follower, "aurora"), domain=HOSTS["aurora"])
    for one in ENDPOINTS:
        if one.own:
            answer = browser.get(f"{API_PREFIX}{one.path}?period=2026-02")
            assert wrong(json.loads(answer.data), SCHEMAS[one.shape]) == []
            assert answer.headers["Cache-Control"] == "no-store"
    database.dispose()


def test_every_route_is_described_and_nothing_else(app: Flask, visit: Visit) -> None:
    routes = {rule.rule.removeprefix(API_PREFIX) for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/")}
    assert routes - {"/openapi.json"} == {one.path for one in ENDPOINTS}
    told = json.loads(get(visit, "/openapi.json").data)
    assert set(told["paths"]) == {open_path(one.path) for one in ENDPOINTS}
    assert told["openapi"] == "3.1.0" and told["info"]["title"] == "Aurora API"


def test_every_address_and_parameter_stands_in_the_document() -> None:
    page = (ROOT / "platform" / "docs" / "api.md").read_text()
    for one in ENDPOINTS:
        assert f"`{API_PREFIX}{one.path}`" in page
        assert [given.name for given in one.given if f"`{given.name}`" not in page and given.where == "query"] == []


def test_an_answer_that_is_known_already_is_not_sent_again(visit: Visit) -> None:
    first = get(visit, "/strategies")
    again = get(visit, "/strategies", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert first.headers["Cache-Control"] == "public, max-age=15" and "Set-Cookie" not in first.headers
    assert get(visit, f"/strategies/{SLUG}").headers["ETag"] != first.headers["ETag"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/strategies/none", 404, "not_found"),
        ("/strategies?sort=luck", 422, "invalid_input"),
        ("/strategies?risk_max=11", 422, "invalid_input"),
        ("/strategies?drawdown_max=NaN", 422, "invalid_input"),
        ("/strategies?limit=٣", 422, "invalid_input"),
        ("/strategies?after=%00", 422, "invalid_input"),
        ("/strategies?after=forged", 422, "invalid_input"),
        (f"/strategies/{SLUG}/equity?days=0", 422, "invalid_input"),
        ("/compare", 422, "invalid_input"),
        ("/compare?strategies=a,b,c,d,e", 422, "invalid_input"),
        ("/me/subscriptions", 401, "sign_in"),
        ("/me/statement?period=2026", 401, "sign_in"),
        ("/nothing", 404, "not_found"),
    ],
)
def test_every_refusal_is_a_problem_with_a_code(visit: Visit, path: str, status: int, code: str) -> None:
    answer = get(visit, path)
    told = json.loads(answer.data)
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert (told["status"], told["code"], told["instance"]) == (status, code, f"{API_PREFIX}{path.partition('?')[0]}")
    assert wrong(told, SCHEMAS["Problem"]) == []


def test_another_brands_strategy_is_not_found(visit: Visit) -> None:
    assert get(visit, f"/strategies/{STRATEGIES['boreal'][0]}").status_code == 404


def test_a_brand_without_the_api_has_none_of_its_addresses(runtime: FakeRuntime, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tenants", tmp_path / "tenants")
    file = tmp_path / "tenants" / "aurora" / "tenant.yaml"
    file.write_text(file.read_text().replace("features:\n", "features:\n  api: false\n"))
    defaults, themes = ROOT / "config" / "defaults.yaml", ROOT / "themes"
    directory = TenantDirectory(tmp_path / "tenants", defaults, themes_dir=themes, settings=declared_settings())
    app = create_app(replace(runtime, directory=directory), clock=FixedClock())
    for one in ENDPOINTS:
        address = f"http://{HOSTS['aurora']}{API_PREFIX}{one.path.replace('<slug>', SLUG)}"
        answer = app.test_client().get(address)
        assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    with app.app_context():
        db.engine.dispose()
