"""`copydesk demo`: two brands on the simulated exchange, to look at or to check."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import click

from copydesk.cli.installation import open_installation, print_json
from copydesk.cli.ports import free_ports
from copydesk.demo.program import traders


@click.group("demo")
def command() -> None:
    """Set up and run the two demo brands.

    \b
    Examples:
      copydesk demo run
      copydesk demo check --seconds 20
    """


command.add_command(traders)


def _say(line: str) -> None:
    click.echo(line, err=True)


@command.command("run")
@click.option("--var", "var_dir", type=click.Path(path_type=Path), default=Path("var"), help="Data directory.")
@click.option("--port", default=8000, show_default=True, help="Port of the sites.")
@click.option("--live-port", default=8001, show_default=True, help="Port of live events.")
@click.option("--speed", default=60.0, show_default=True, help="Market time per real time.")
def run_demo(var_dir: Path, port: int, live_port: int, speed: float) -> None:
    """Run both brands until Ctrl-C; the data stay in the data directory for the next start."""
    from copydesk.cli.up import brand_urls, interruptible
    from copydesk.demo.stage import Script, staged
    from copydesk.stack import RoleOptions

    options = RoleOptions(root=Path().resolve(), var_dir=var_dir.resolve(), port=port, live_port=live_port)
    with interruptible(), suppress(KeyboardInterrupt), staged(options, os.environ, Script(speed=speed), _say):
        for url in brand_urls(open_installation(Path(), var_dir), port):
            click.echo(url)
        _say("ready; Ctrl-C ends everything")
        threading.Event().wait()


@command.command("check")
@click.option("--seconds", default=20.0, show_default=True, help="How long the traders trade.")
@click.option("--keep", is_flag=True, help="Keep the data directory and say where it is.")
def check_demo(seconds: float, keep: bool) -> int:
    """Run both brands on a stage of their own, then audit the exchange's journal.

    The last line is JSON; the exit code is 0 when nothing is missing, doubled or adrift.
    """
    from copydesk.cli.up import interruptible
    from copydesk.demo.check import check, passed
    from copydesk.demo.stage import Script, staged
    from copydesk.stack import RoleOptions

    var_dir = Path(tempfile.mkdtemp(prefix="copydesk-demo-"))
    ports = free_ports(4)
    options = RoleOptions(
        root=Path().resolve(),
        var_dir=var_dir,
        port=ports[0],
        live_port=ports[1],
        lab_port=ports[2],
        lab_ws_port=ports[3],
    )
    script = Script(speed=60.0, pace_s=0.5)
    try:
        with interruptible(), staged(options, os.environ, script, _say) as stage:
            figures = check(stage, script, trading_s=seconds, say=_say)
    finally:
        if keep:
            _say(f"data kept in {var_dir}")
        else:
            shutil.rmtree(var_dir, ignore_errors=True)
    print_json(figures)
    sys.stdout.flush()
    return 0 if passed(figures) else 1
