"""`copydesk tenant theme preview`: one file with every component, in any theme and color; the brand stays as it is."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from copydesk.cli import run

ROOT = Path(__file__).parents[2]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped brands in all their themes; their servers are down."""
    for name in ("tenants", "config"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "themes").symlink_to(ROOT / "themes")
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_a_preview_is_one_file_that_needs_nothing_else(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (site / "tenants" / "aurora" / "tenant.yaml").read_bytes()
    argv = ["tenant", "theme", "preview", "aurora", "--theme", "obsidian", "--color", "#fdf7e0", "--to", "look.html"]
    assert run([*argv, "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    page = Path("look.html").read_text()
    assert "<script" not in page
    assert 'rel="stylesheet"' not in page
    assert re.findall(r'\bsrc="/', page) == []
    assert "#fdf7e0" in page
    assert "data:font/woff2;base64," in page
    assert all(one["ratio"] >= 3 for one in told["contrasts"])
    assert (site / "tenants" / "aurora" / "tenant.yaml").read_bytes() == before


def test_the_palette_is_printed_without_writing_anything(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["tenant", "theme", "preview", "boreal", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "BOREAL in obsidian, #22d3ee" in said
    assert re.search(r"brand-ink +light +#[0-9a-f]{6} +\d+\.\d\d : 1 on paper, at least 4.5", said)
    assert not (site / "var" / "preview").exists()


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--theme", "obsidan"], "brand.theme: expected an installed theme"),
        (["--color", "blue"], "brand.colors.brand: expected a color"),
    ],
)
def test_what_cannot_be_previewed_is_named(
    site: Path, argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["tenant", "theme", "preview", "aurora", *argv]) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_how_to_complete(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    assert "_COPYDESK_COMPLETE" in capsys.readouterr().out


def test_commands_and_brands_are_completed(
    site: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_COPYDESK_COMPLETE", "bash_complete")
    completed = []
    for words, number in (("copydesk tenant ad", "2"), ("copydesk tenant show a", "3")):
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", number)
        with pytest.raises(SystemExit):
            run([])
        completed.append(capsys.readouterr().out.split())
    assert completed == [["plain,adopt", "plain,admin"], ["plain,aurora"]]
