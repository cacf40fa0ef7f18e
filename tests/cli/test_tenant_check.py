"""`copydesk tenant` and `copydesk config` as a reseller meets them: output, exit codes, no traceback."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from copydesk.cli import COMMANDS, run

ROOT = Path(__file__).parents[2]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the shipped brands with themes of their names, as the current folder."""
    shutil.copytree(ROOT / "tenants", tmp_path / "tenants")
    (tmp_path / "config").mkdir()
    shutil.copy(ROOT / "config" / "defaults.yaml", tmp_path / "config")
    for theme in ("core", "aurora", "obsidian"):
        (tmp_path / "themes" / theme).mkdir(parents=True)
        shutil.copy(ROOT / "themes" / theme / "theme.yaml", tmp_path / "themes" / theme)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def edit(site: Path, slug: str, old: str, new: str) -> Path:
    path = site / "tenants" / slug / "tenant.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


@pytest.mark.parametrize("slug", ["aurora", "boreal"])
def test_the_shipped_brands_are_sound(site: Path, slug: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["tenant", "check", slug]) == 0
    assert capsys.readouterr().out == f"tenants/{slug}/tenant.yaml: no errors\n"


def test_every_error_is_printed_with_its_place(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(site, "aurora", "locale_default: en", "locale_default: fr")
    edit(site, "aurora", "  name: Aurora", "  nmae: Aurora")
    assert run(["tenant", "check", "aurora"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "tenants/aurora/tenant.yaml:5: brand.nmae: expected a known key (did you mean name?)" in "\n".join(lines)
    assert lines[-1] == "tenants/aurora/tenant.yaml: 3 errors"


def test_json_is_the_last_line_and_the_rest_goes_to_standard_error(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(site, "aurora", "theme: aurora", "theme: arora")
    assert run(["tenant", "check", "aurora", "--json"]) == 1
    out, err = capsys.readouterr()
    (line,) = out.splitlines()
    (error,) = json.loads(line)["errors"]
    assert error["key"] == "brand.theme"
    assert error["line"] == 8
    assert error["expected"] == "an installed theme: aurora, core, obsidian"
    assert error["found"] == '"arora"'
    assert "brand.theme" in err


def test_malformed_yaml_shows_line_and_column(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(site, "aurora", "locales: [en, de, es]", "locales: [en, de")
    assert run(["tenant", "check", "aurora"]) == 1
    assert "tenants/aurora/tenant.yaml:20:15: expected ',' or ']', found ':'" in capsys.readouterr().out


def test_two_tenants_claiming_the_same_host_are_reported(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(site, "boreal", "[boreal.localhost]", "[boreal.localhost, aurora.localhost]")
    assert run(["tenant", "check", "boreal"]) == 1
    assert "aurora.localhost, also in tenants/aurora/tenant.yaml:7" in capsys.readouterr().out


def test_a_missing_secret_is_reported_until_it_is_stored(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    smtp = "smtp: {host: mail.example, password: secret:smtp_password, from: a@b.example}\n"
    path = site / "tenants" / "aurora" / "tenant.yaml"
    path.write_text(path.read_text() + smtp)
    assert run(["tenant", "check", "aurora"]) == 1
    assert "missing secret smtp_password" in capsys.readouterr().out
    monkeypatch.setattr(sys, "stdin", io.StringIO("hunter2\n"))
    assert run(["tenant", "secret", "set", "aurora", "smtp_password"]) == 0
    assert "hunter2" not in capsys.readouterr().out
    assert run(["tenant", "check", "aurora"]) == 0
    assert run(["tenant", "secret", "list", "aurora", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["names"] == ["smtp_password"]


def test_a_path_is_checked_against_the_installed_brands(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(site / "tenants" / "aurora", site / "drafts" / "dawn")
    assert run(["tenant", "check", "drafts/dawn/tenant.yaml"]) == 1
    assert "also in tenants/aurora/tenant.yaml:7" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tenant", "check", "aurra"], "there is no tenant aurra in tenants; did you mean aurora?"),
        (["config", "explain", "aurora", "replication.slipage_bps_max"], "did you mean replication.slippage_bps_max?"),
        (["tenant", "check", "aurora", "--root", "nowhere"], "expected config/defaults.yaml"),
    ],
)
def test_a_mistake_is_one_line_on_standard_error(
    site: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert run(arguments) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err.splitlines()[-1]
    assert "Traceback" not in err


def test_a_wrong_defaults_file_is_one_line_naming_file_and_key(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "config" / "defaults.yaml").write_text("replication:\n  slipage: 1\n")
    assert run(["tenant", "check", "aurora"]) == 1
    assert "copydesk: config/defaults.yaml:2: replication.slipage: expected" in capsys.readouterr().err


def test_explain_shows_value_layer_and_source(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "explain", "aurora", "replication.slippage_bps_max", "--json"]) == 0
    explained = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert explained["layer"] == "tenant file"
    assert explained["value"] == 40
    lines = (site / "tenants" / "aurora" / "tenant.yaml").read_text().splitlines()
    assert explained["source"] == f"tenants/aurora/tenant.yaml:{lines.index('  slippage_bps_max: 40') + 1}"
    assert run(["config", "explain", "aurora", "tenancy.refresh_interval_ms"]) == 0
    assert "layer  installation defaults" in capsys.readouterr().out


def test_explain_of_a_broken_brand_names_its_first_error(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(site, "aurora", "locale_default: en", "locale_default: fr")
    assert run(["config", "explain", "aurora", "brand.name"]) == 1
    assert "tenant check aurora" in capsys.readouterr().err


def test_help_lists_every_command_that_is_there_and_imports_none(capsys: pytest.CaptureFixture[str]) -> None:
    code = "import sys, copydesk.cli as c; c.run(['--help']); print([m for m in sys.modules if 'copydesk.' in m])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for name in ("tenant", "config"):
        assert COMMANDS[name] in done.stdout
    assert "copydesk.tenancy" not in done.stdout
    assert "copydesk.cli.tenant" not in done.stdout


@pytest.mark.parametrize("arguments", [["tenant", "check", "--help"], ["config", "explain", "--help"]])
def test_help_shows_examples(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 0
    assert "Example" in capsys.readouterr().out


def test_a_wrong_command_line_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["tenant", "check"]) == 2
    assert run(["nonsense"]) == 2
    assert "Traceback" not in capsys.readouterr().err
