"""What every command owes its user: an example, and one sentence about what is wrong before anything starts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from copydesk.cli import cli, run

ROOT = Path(__file__).parents[2]


def walk(command: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Name every command of the tree, groups included."""
    yield words
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from walk(below, (*words, name))


def refusal(capsys: pytest.CaptureFixture[str], arguments: list[str], code: int = 1) -> str:
    assert run(arguments) == code
    return capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("words", list(walk(cli)), ids=" ".join)
def test_help_of_every_command_shows_an_example(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(cli, [*words, "--help"])
    assert shown.exit_code == 0
    assert "Example" in shown.output
    assert f"copydesk {' '.join(words)}".rstrip() in shown.output.partition("Example")[2]


@pytest.mark.parametrize(
    "arguments",
    [
        ["demo", "run", "--port", "70000"],
        ["demo", "run", "--lab-port", "0"],
        ["demo", "run", "--lab-ws-port", "-1"],
        ["demo", "run", "--speed", "inf"],
        ["demo", "run", "--speed", "nan"],
        ["demo", "check", "--seconds", "0"],
        ["demo", "check", "--seconds", "3601"],
        ["bench", "fanout", "--rtt-ms", "-1"],
        ["bench", "fanout", "--rtt-ms", "60001"],
        ["lab", "serve", "--speed", "100001"],
        ["lab", "serve", "--rtt-ms", "nan"],
    ],
    ids=" ".join,
)
def test_a_number_out_of_bounds_is_refused_by_its_option(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert f"Invalid value for '{arguments[-2]}'" in refusal(capsys, arguments, code=2)


@pytest.mark.parametrize(
    "arguments", [["demo", "run"], ["demo", "check"], ["bench", "fanout"], ["faults", "run"]], ids=" ".join
)
def test_a_folder_without_an_installation_is_refused_before_anything_starts(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COPYDESK_ROOT", str(tmp_path))
    assert refusal(capsys, arguments).startswith(f"copydesk: there is no installation in {tmp_path}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["version: [", "version: 7\n", "- a list\n"])
def test_a_broken_logging_file_is_named(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "config" / "logging.yaml"
    file.parent.mkdir()
    file.write_text(text)
    monkeypatch.setenv("COPYDESK_ROOT", str(tmp_path))
    assert refusal(capsys, ["listen"]).startswith(f"copydesk: {file}: expected a configuration for logging")


def test_a_seats_file_that_is_no_json_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seats = tmp_path / "traders.json"
    seats.write_text("[")
    addresses = ["--rest", "http://127.0.0.1:1", "--stream", "ws://127.0.0.1:1"]
    said = refusal(capsys, ["demo", "traders", str(seats), *addresses])
    assert said.startswith(f"copydesk: {seats}: expected the JSON that the demo writes")


def test_migrate_names_the_variable_that_it_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_OWNER_URL", "mysql://owner:hush@db/copydesk")
    said = refusal(capsys, ["migrate"])
    assert said.startswith("copydesk: DATABASE_OWNER_URL must start with postgresql://")
    assert "hush" not in said


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("DATABASE_URL", "mysql://someone:hush@db/copydesk"),
        ("DATABASE_OWNER_URL", "copydesk"),
        ("REDIS_URL", "http://:hush@redis"),
        ("REDIS_URL", "localhost:6379"),
    ],
)
def test_up_refuses_an_address_of_another_kind_before_anything_starts(
    name: str, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, address)
    said = refusal(capsys, ["up", "--root", str(ROOT), "--var", str(tmp_path / "var")])
    assert said.startswith(f"copydesk: {name} must start with ")
    assert "hush" not in said
    assert not (tmp_path / "var").exists()
