"""`copydesk demo`: two brands on the simulated exchange, to look at or to check."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from copydesk.cli.installation import open_installation, print_json, with_installation, with_root
from copydesk.cli.options import PORT, Number
from copydesk.cli.ports import free_ports
from copydesk.demo.program import traders
from copydesk.kernel import ConfigError, utc_now
from copydesk.venues.lab import LabConfig

if TYPE_CHECKING:
    from copydesk.demo.people import DemoPerson


@click.group("demo")
def command() -> None:
    """Set up and run the two demo brands.

    \b
    Examples:
      copydesk demo run
      copydesk demo check --seconds 120 --json
    """


def _trade(seats: Path, **options: Any) -> None:
    """Run the traders on a seats file that can be read."""
    try:
        if seats.is_file():
            json.loads(seats.read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{seats}: expected the JSON that the demo writes, found {error}") from error
    assert traders.callback is not None, "the traders' command has a body"
    traders.callback(seats, **options)


command.add_command(click.Command("traders", params=traders.params, help=traders.help, callback=_trade))


# How long a running demo waits for the follower with a stop to hold enough.
_SCENE_S = 120.0


def _say(line: str) -> None:
    click.echo(line, err=True)


def _doors(people: Sequence[DemoPerson], file: Path, port: int) -> str:
    """Say where to sign in, as whom, and where the passwords are; they are not printed."""
    lines = [f"sign in: passwords are in {file}, mail in {file.parents[1] / 'mail'}; a second factor is set up first"]
    for brand in dict.fromkeys(person.brand for person in people):
        names = ", ".join(f"{one.email} ({one.role})" for one in people if one.brand == brand)
        lines.append(f"  http://{brand}.localhost:{port}/account/sign-in  {names}")
    return "\n".join(lines)


@command.command("run")
@click.option("--port", default=8000, show_default=True, type=PORT, help="Port of the sites.")
@click.option("--live-port", default=8001, show_default=True, type=PORT, help="Port of live events.")
@click.option("--lab-port", default=8010, show_default=True, type=PORT, help="Port of the lab's REST.")
@click.option("--lab-ws-port", default=8011, show_default=True, type=PORT, help="Port of the lab's streams.")
@click.option("--lab-control-port", default=8012, show_default=True, type=PORT, help="Port of the lab's control.")
@click.option(
    "--speed",
    default=60.0,
    show_default=True,
    type=Number(0, LabConfig.SPEED_MAX),
    help="Market time per real time.",
)
@with_installation
def run_demo(root: Path, var: Path | None, speed: float, **ports: Any) -> None:
    """Run both brands until Ctrl-C; the data stay in the data directory for the next start.

    In the first start prices move once against a follower whose own limit then closes everything: the trader goes on.
    Traders announce something at the first start, and one of them every ten minutes.

    \b
    Examples:
      copydesk demo run
      copydesk demo run --var var/demo --port 8080 --lab-port 8090 --lab-ws-port 8091
    """
    from copydesk.cli.up import brand_urls, interruptible
    from copydesk.demo.people import admit_people
    from copydesk.demo.scene import SCENE, fired
    from copydesk.demo.speaking import introduce, speak_now_and_then
    from copydesk.demo.stage import Script, staged
    from copydesk.stack import RoleOptions

    installation = open_installation(root, var)
    options = RoleOptions(root=installation.root.resolve(), var_dir=installation.var.resolve(), **ports)
    script = Script(speed=speed)
    with interruptible(), suppress(KeyboardInterrupt), staged(options, os.environ, script, _say) as stage:
        people_file = options.var_dir / "demo" / "people.json"
        people = admit_people(stage.runtime, people_file)
        for url in brand_urls(installation, options.port):
            click.echo(url)
        _say(_doors(people, people_file, options.port))
        introduce(stage.runtime, utc_now())
        _say("ready; Ctrl-C ends everything")
        if not fired(stage.runtime, SCENE):
            stage.perform(SCENE, patience_s=_SCENE_S, say=_say)
        speak_now_and_then(stage.runtime, threading.Event().wait)


@command.command("check")
@click.option("--seconds", default=100.0, show_default=True, type=Number(1, 3600), help="How long the traders trade.")
@click.option("--keep", is_flag=True, help="Keep the data directory and say where it is.")
@click.option("--json", "as_json", is_flag=True, help="Print the line of JSON only.")
@with_root
def check_demo(root: Path, seconds: float, keep: bool, as_json: bool) -> int:
    """Run both brands on a stage of their own, then audit the exchanges' journal.

    Prints a table by exchange and market; the last line is JSON. The exit code is 0 when every market of every
    exchange had copies and nothing is missing, doubled, on the wrong side or market, or adrift.

    \b
    Examples:
      copydesk demo check
      copydesk demo check --seconds 60 --keep
    """
    from copydesk.cli.up import interruptible
    from copydesk.demo.check import check, passed
    from copydesk.demo.report import table
    from copydesk.demo.stage import Script, staged
    from copydesk.stack import RoleOptions

    installation = open_installation(root, None)
    var_dir = Path(tempfile.mkdtemp(prefix="copydesk-demo-"))
    ports = free_ports(5)
    options = RoleOptions(
        root=installation.root.resolve(),
        var_dir=var_dir,
        port=ports[0],
        live_port=ports[1],
        lab_port=ports[2],
        lab_ws_port=ports[3],
        lab_control_port=ports[4],
    )
    script = Script(speed=60.0, pace_s=4.0)
    try:
        with interruptible(), staged(options, os.environ, script, _say) as stage:
            figures = check(stage, script, trading_s=seconds, say=_say)
    finally:
        if keep:
            _say(f"data kept in {var_dir}")
        else:
            shutil.rmtree(var_dir, ignore_errors=True)
    for line in () if as_json else table(figures):
        click.echo(line)
    print_json(figures)
    sys.stdout.flush()
    return 0 if passed(figures) else 1
