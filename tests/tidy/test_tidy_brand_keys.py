"""Every key of a brand's file is explained wherever somebody looks for it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from copydesk.bootstrap import declared_settings
from copydesk.tenancy import Declared, Tenant, declared, load_defaults, load_tenant
from copydesk.tenancy.document import parse_document
from copydesk.tenancy.example import SAMPLES, example
from project import ROOT

EXAMPLE = ROOT / "tenants" / "_example" / "tenant.yaml"
COMMENTED = re.compile(r"^( *)#(?=[^ #\n])", re.MULTILINE)
KEYS = declared(declared_settings())


def test_the_example_is_what_the_declarations_make() -> None:
    assert EXAMPLE.read_text() == example(declared_settings()), (
        "run: copydesk config example > tenants/_example/tenant.yaml"
    )


@pytest.mark.parametrize("uncommented", [False, True], ids=["as it is", "with every key"])
def test_the_example_is_a_brand_without_an_error(tmp_path: Path, uncommented: bool) -> None:
    text = EXAMPLE.read_text()
    folder = tmp_path / "tenants" / "example"
    folder.mkdir(parents=True)
    for name in ("logo.svg", "favicon.svg", "font.woff2"):
        (folder / name).touch()
    (folder / "tenant.yaml").write_text(COMMENTED.sub(r"\1", text) if uncommented else text)
    loaded = load_tenant(
        folder / "tenant.yaml",
        defaults=load_defaults(ROOT / "config" / "defaults.yaml", declared_settings()),
        themes_dir=ROOT / "themes",
        settings=declared_settings(),
    )
    assert isinstance(loaded, Tenant), loaded


def test_every_key_stands_in_the_example() -> None:
    data = parse_document(COMMENTED.sub(r"\1", EXAMPLE.read_text())).data
    assert [one.key for one in KEYS if not stands(data, steps(one))] == []


def test_every_key_explains_itself_in_a_sentence_and_has_a_title() -> None:
    assert [one.key for one in KEYS if not one.help.endswith(".") or not one.title] == []


def test_every_key_has_a_default_or_a_sample() -> None:
    maps = {one.whole for one in KEYS if one.whole != one.key} | {one.key.rpartition(".")[0] for one in KEYS}
    lacking = [one.key for one in KEYS if one.default in (None, {}) and one.key not in SAMPLES and one.key not in maps]
    assert lacking == []


def test_every_key_is_in_the_reference() -> None:
    page = (ROOT / "platform" / "docs" / "settings.md").read_text()
    assert [one.key for one in KEYS if f"## `{one.key}`" not in page] == []


def steps(one: Declared) -> list[str]:
    return [step for step in one.key.replace("[]", ".*").split(".") if step]


def stands(value: object, path: list[str]) -> bool:
    if not path:
        return True
    if path[0] == "*":
        inner = list(value.values()) if isinstance(value, dict) else list(value) if isinstance(value, list) else []
        return bool(inner) and stands(inner[0], path[1:])
    return isinstance(value, dict) and path[0] in value and stands(value[path[0]], path[1:])


@pytest.mark.parametrize("key", ["replication.leverage_max", "replication.mark_bps_max", "replication.exposure_max"])
def test_what_keeps_followers_from_a_hacked_trader_is_loosened_by_two_people(key: str) -> None:
    (found,) = [one for one in KEYS if one.key == key]
    assert (found.sensitive, found.panel) == (True, True)
