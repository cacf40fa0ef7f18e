"""How the lab's commands find a running lab and speak to it: options, connection, tables."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from copydesk.cli.installation import open_installation, print_json, with_installation
from copydesk.demo.lab_control import LabControl
from copydesk.kernel import ConfigError, InvalidInput
from copydesk.venues.lab import ADDRESSES, LISTINGS

VENUE = click.Choice(sorted(LISTINGS))
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")


def with_lab(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which lab is meant, and hand the command a connection to it as `lab`."""

    @functools.wraps(command)
    def wrapped(root: Path, var: Path | None, control: str | None, token_file: Path | None, **options: Any) -> Any:
        url, token = find_lab(root, var, control, token_file)
        with LabControl(url, token) as lab:
            return command(lab=lab, **options)

    url = click.option("--control", metavar="URL", help="Control address [default: of the lab on the data directory].")
    path = click.Path(path_type=Path)
    token = click.option("--token-file", type=path, help="Its token [default: lab/token in the data directory].")
    return with_installation(url(token(wrapped)))


def find_lab(root: Path, var: Path | None, control: str | None, token_file: Path | None) -> tuple[str, str]:
    """Return control address and token; raises `ConfigError` naming what is missing."""
    if control is None or token_file is None:
        folder = open_installation(root, var).var / "lab"
        control = control or _control_of(folder)
        token_file = token_file or folder / "token"
    try:
        token = token_file.read_text().strip()
    except OSError as error:
        raise ConfigError(f"{token_file}: expected the lab's token, found {error.strerror}") from error
    if not control.startswith("http://") or not control.removeprefix("http://").partition(":")[2].isdigit():
        raise ConfigError(f"--control: expected an address such as http://127.0.0.1:8012, found {control}")
    return control, token


def _control_of(folder: Path) -> str:
    try:
        addresses = json.loads((folder / ADDRESSES).read_text())
    except OSError as error:
        raise ConfigError(
            f"no lab runs on {folder}: start one with copydesk lab serve, or name another with --control"
        ) from error
    return str(addresses["control"])


def show(as_json: bool, answer: Mapping[str, Any], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print an answer as one line of JSON, or as a table."""
    if as_json:
        print_json(answer)
        return
    table = Table(*columns)
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    Console().print(table)


def _cell(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_cell(one)}" for name, one in value.items())
    if isinstance(value, list):
        return " ".join(_cell(one) for one in value)
    return "" if value is None else str(value)


def pairs(texts: Sequence[str]) -> dict[str, str]:
    """Read `NAME=VALUE` words."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise InvalidInput(f"expected NAME=VALUE, found {text!r}")
        found[name] = value
    return found
