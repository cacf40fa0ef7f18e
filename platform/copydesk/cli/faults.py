"""`copydesk faults`: harm a desk of its own in every way that the matrix names, and see whether a copy is lost."""

from __future__ import annotations

import os
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from copydesk.cli.installation import open_installation, print_json, with_root


@click.group("faults")
def command() -> None:
    """Harm a desk of its own, and judge it by the exchanges' journal.

    \b
    Examples:
      copydesk faults list
      copydesk faults run --seeds 6 --json
      copydesk faults run --fault 18-commit-unheard --seed 4
    """


def _say(line: str) -> None:
    click.echo(line, err=True)


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
def list_faults(as_json: bool) -> None:
    """List every fault, what it proves, and the rows of the matrix that are left out.

    \b
    Example:
      copydesk faults list
    """
    from copydesk.faults.table import FAULTS, LEFT_OUT

    if as_json:
        print_json({"faults": {f.name: {"help": f.help, "proves": f.proves} for f in FAULTS.values()}})
        return
    table = Table("fault", "what happens", "proves")
    for fault in FAULTS.values():
        table.add_row(fault.name, fault.help, fault.proves)
    Console().print(table)
    for row, reason in LEFT_OUT.items():
        click.echo(f"row {row} is left out: {reason}")


@command.command("run")
@click.option("--fault", "names", multiple=True, help="Only this fault; may be repeated.")
@click.option("--seeds", default=1, show_default=True, type=click.IntRange(1, 10_000), help="Seeds of each fault.")
@click.option("--seed", type=click.IntRange(0), help="Only this seed: replay what it did.")
@click.option("--followers", default=200, show_default=True, type=click.IntRange(10, 2_000), help="Of each brand.")
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help="Keep journals and logs here.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one line of JSON.")
@with_root
def run_faults(
    root: Path,
    names: tuple[str, ...],
    seeds: int,
    seed: int | None,
    followers: int,
    keep: Path | None,
    as_json: bool,
) -> int:
    """Inject faults one after another, each at an instant that its seed decides.

    Exits 1 when the journal shows a broken promise; the line that says so names how to replay it.

    \b
    Examples:
      copydesk faults run --seeds 6
      copydesk faults run --fault 13-postgres-killed --fault 14-postgres-down --seeds 3 --followers 50
      copydesk faults run --fault 24-answers-lost --seed 7
    """
    from copydesk.cli.up import interruptible
    from copydesk.faults.run import Course, run
    from copydesk.faults.table import FAULTS, fault_named

    installation = open_installation(root, None)
    chosen = [fault_named(name) for name in names] or list(FAULTS.values())
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
    numbers = range(1, seeds + 1) if seed is None else (seed,)
    course = Course(chosen, numbers, followers, installation.themes.resolve(), keep)
    with interruptible():
        figures = run(course, os.environ, _say)
    if as_json:
        print_json(figures)
    else:
        _print(figures)
    return 1 if figures["violations"] else 0


def _print(figures: dict[str, object]) -> None:
    rows = figures["by_fault"]
    assert isinstance(rows, dict)
    table = Table("fault", "injected", "violations", "heal p50 s", "heal max s")
    for name, row in rows.items():
        table.add_row(name, *(str(value) for value in row.values()))
    Console().print(table)
    names = ("injected", "violations", "faults", "heal_p50_s", "heal_p99_s", "missed", "spent_s")
    click.echo(", ".join(f"{name} {figures[name]}" for name in names))
