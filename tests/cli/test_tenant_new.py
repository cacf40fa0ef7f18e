"""`copydesk tenant new` without servers: what it makes, what it refuses, and that it leaves nothing half-made."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from copydesk.cli import run
from copydesk.cli.installation import declared_settings
from copydesk.tenancy import Tenant, load_tenant

ROOT = Path(__file__).parents[2]
LOGO = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1 1'/>"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with the shipped brands and a lab that ran before; its servers are down."""
    shutil.copytree(ROOT / "tenants", tmp_path / "tenants")
    (tmp_path / "config").mkdir()
    shutil.copy(ROOT / "config" / "defaults.yaml", tmp_path / "config")
    (tmp_path / "themes").symlink_to(ROOT / "themes")
    (tmp_path / "var" / "lab").mkdir(parents=True)
    (tmp_path / "var" / "lab" / "token").touch()
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Run `tenant new` and return its line of JSON."""

    def do(*argv: str, code: int = 0) -> Any:
        assert run(["tenant", "new", *argv, "--port", "9", "--json"]) == code
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    return do


def loaded(site: Path, slug: str) -> Tenant:
    found = load_tenant(site / "tenants" / slug / "tenant.yaml", settings=declared_settings())
    assert isinstance(found, Tenant)
    return found


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    before = sorted(Path("tenants").iterdir())
    assert run(["tenant", "new", *argv]) == 1
    assert sorted(Path("tenants").iterdir()) == before
    return " ".join(capsys.readouterr().err.split())


def test_the_command_of_the_guide_makes_a_sound_brand(site: Path, told: Callable[..., Any]) -> None:
    flags = ["--host", "demo3.localhost", "--theme", "obsidian", "--locale", "es", "--markets", "BTC/USDT,ETH/USDT"]
    done = told("demo3", *flags)
    assert (done["created"], done["running"], done["path"]) == (True, False, "tenants/demo3/tenant.yaml")
    assert done["corrections"] == []
    tenant = loaded(site, "demo3")
    assert (tenant.hosts, tenant.theme, tenant.config.locales) == (("demo3.localhost",), "obsidian", ("es",))
    assert {one.venue for one in tenant.config.exchanges} == {"binance", "okx", "bybit", "bitget"}
    assert {one.markets for one in tenant.config.exchanges} == {("BTC/USDT", "ETH/USDT")}
    text = (site / "tenants" / "demo3" / "tenant.yaml").read_text()
    assert told("demo3", *flags)["created"] is False
    assert (site / "tenants" / "demo3" / "tenant.yaml").read_text() == text
    assert run(["tenant", "check", "demo3"]) == 0


def test_a_color_that_cannot_be_read_is_said_and_corrected(told: Callable[..., Any], site: Path) -> None:
    done = told("pale", "--color", "#fefefe", "--theme", "aurora")
    assert "#fefefe has a contrast of" in done["corrections"][0]
    assert loaded(site, "pale").config.brand.colors.brand == "#fefefe"


def test_what_a_killed_command_left_is_taken_away_by_a_later_one(site: Path, told: Callable[..., Any]) -> None:
    old, fresh = site / "tenants" / ".new-old", site / "tenants" / ".new-fresh"
    for left in (old, fresh):
        (left / "dawn").mkdir(parents=True)
    os.utime(old, (0, 0))
    told("dawn")
    assert (old.exists(), fresh.exists()) == (False, True)


def test_a_dry_run_shows_the_file_and_makes_nothing(site: Path, told: Callable[..., Any]) -> None:
    done = told("dawn", "--locale", "de,en", "--dry-run")
    assert done["dry_run"]
    assert "locales: [de, en]" in done["text"]
    assert not (site / "tenants" / "dawn").exists()


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (
            ["dawn", "--theme", "obsidan"],
            'brand.theme: expected an installed theme: aurora, core, obsidian, found "obsi',
        ),
        (["dawn", "--host", "aurora.localhost"], "a host that no other brand serves, found aurora.localhost"),
        (["dawn", "--host", "Dawn Example"], "brand.hosts.0: expected a lower-case host name"),
        (["dawn", "--color", "red"], "brand.colors.brand: expected a color"),
        (["dawn", "--locale", "xx"], "locales.0: expected a locale"),
        (["dawn", "--time-zone", "Mars/Base"], "time_zone: expected a time zone"),
        (["dawn", "--markets", "DOGE/USDT"], "markets: expected some that a chosen exchange lists"),
        (["dawn", "--exchange", "kraken"], "exchange: expected one of binance"),
        (["Dawn"], "slug: expected"),
        (["dawn", "--logo", "missing.svg"], "missing.svg: expected a readable file"),
        (["dawn", "--logo", "logo.gif"], "logo: expected a file that ends in .svg, .png, .webp"),
        (["aurora", "--theme", "obsidian"], "aurora is there already, with another theme"),
        ([], "slug: expected the brand's, found none"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_wrong_is_said_and_nothing_is_made(
    site: Path, argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in refused(capsys, *argv)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("logo.svg", b"no drawing", "expected an SVG"),
        (
            "logo.svg",
            b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>",
            "without document type and script",
        ),
        ("logo.svg", b"<html/>", "with the root html"),
        ("logo.svg", b"<svg>" + b" " * 300_000 + b"</svg>", "at most 256 KiB"),
        ("logo.png", b"\x89PNG no picture", "expected a PNG, JPEG or WebP picture"),
        ("logo.png", b"x" * (2 * 2**20 + 1), "at most 2 MiB"),
    ],
)
def test_a_logo_that_is_none_is_refused(
    site: Path, name: str, data: bytes, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (site / name).write_bytes(data)
    assert said in refused(capsys, "dawn", "--logo", name)


def test_a_logo_comes_beside_the_file(site: Path, told: Callable[..., Any]) -> None:
    (site / "sun.svg").write_text(LOGO)
    told("dawn", "--logo", "sun.svg")
    assert (site / "tenants" / "dawn" / "logo.svg").read_text() == LOGO
    assert loaded(site, "dawn").config.brand.logo == "logo.svg"


def test_answers_may_stand_in_a_file(site: Path, told: Callable[..., Any]) -> None:
    (site / "sun.svg").write_text(LOGO)
    (site / "answers.yaml").write_text("name: Dawn\nlocales: [tr, en]\ntheme: aurora\nlogo: sun.svg\n")
    told("dawn", "--from", "answers.yaml", "--theme", "core")
    tenant = loaded(site, "dawn")
    assert (tenant.theme, tenant.config.locales, tenant.config.brand.logo) == ("core", ("tr", "en"), "logo.svg")


def test_a_whole_file_is_taken_over_with_what_lies_beside(site: Path, told: Callable[..., Any]) -> None:
    source = site / "tenants" / "aurora" / "tenant.yaml"
    told("dawn", "--from", str(source), "--host", "dawn.localhost", "--name", "Dawn")
    made = (site / "tenants" / "dawn" / "tenant.yaml").read_text()
    assert "# Newcomers get a tighter price bound" in made
    assert (loaded(site, "dawn").name, loaded(site, "dawn").hosts) == ("Dawn", ("dawn.localhost",))
    assert (site / "tenants" / "dawn" / "logo.svg").read_bytes() == (source.parent / "logo.svg").read_bytes()


class Terminal(io.StringIO):
    """Standard input that somebody sits at."""

    def isatty(self) -> bool:
        return True


def test_the_wizard_asks_and_judges_each_answer(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = [
        "aurora",
        "dawn",
        "Dawn",
        "aurora.localhost",
        "",
        "obsidan",
        "obsidian",
        "#0f766e",
        "",
        "es,en",
        "",
        "",
        "okx",
    ]
    monkeypatch.setattr("sys.stdin", Terminal("\n".join([*answers, "", "y"]) + "\n"))
    assert run(["tenant", "new", "--port", "9"]) == 0
    said = capsys.readouterr()
    shown = said.out + said.err
    assert "expected a slug that no brand has, found aurora" in shown
    assert "expected a host that no other brand serves" in shown
    assert "expected an installed theme" in shown
    tenant = loaded(site, "dawn")
    assert (tenant.name, tenant.theme, tenant.config.locale_default) == ("Dawn", "obsidian", "es")
    assert [one.venue for one in tenant.config.exchanges] == ["okx"]


def test_the_wizard_makes_nothing_without_a_yes(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("\n" * 9 + "n\n"))
    assert run(["tenant", "new", "dawn"]) == 130
    assert "interrupted" in capsys.readouterr().err
    assert not (site / "tenants" / "dawn").exists()
