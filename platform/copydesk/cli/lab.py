"""`copydesk lab`: the simulated exchange on its own."""

from __future__ import annotations

from pathlib import Path

import click

from copydesk.cli.installation import open_installation, with_installation
from copydesk.cli.options import PORT, Number
from copydesk.stack import lab_token, require_free_port
from copydesk.venues.lab import Addresses, LabConfig, serve


@click.command("lab")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--rest-port", default=8010, show_default=True, type=PORT, help="Port of REST and control.")
@click.option("--ws-port", default=8011, show_default=True, type=PORT, help="Port of the streams.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Journal, snapshot, keys and token [default: lab in the data directory].",
)
@click.option("--seed", default=0, show_default=True, help="Seed of prices, sizes and faults.")
@click.option(
    "--speed",
    default=1.0,
    show_default=True,
    type=Number(0, LabConfig.SPEED_MAX),
    help="Market time per wall time.",
)
@click.option(
    "--rtt-ms",
    default=0.0,
    show_default=True,
    type=Number(0, LabConfig.RTT_MS_MAX),
    help="Artificial round trip of requests.",
)
@click.option("--start", type=int, help="Market time to begin at, in epoch ms of the replayed days.")
@with_installation
def command(
    root: Path, var: Path | None, data_dir: Path | None, host: str, rest_port: int, ws_port: int, **chosen: float
) -> None:
    """Run the simulated exchange until it is told to stop; its state stays for the next start.

    \b
    Examples:
      copydesk lab
      copydesk lab --speed 60 --seed 7 --rtt-ms 20
    """
    import uvloop

    # A lab that cannot listen leaves no folder behind, so the ports are tried first.
    require_free_port(rest_port, "--rest-port", host)
    require_free_port(ws_port, "--ws-port", host)
    folder = data_dir or open_installation(root, var).var / "lab"
    token = lab_token(folder)

    def say(addresses: Addresses) -> None:
        click.echo(f"REST and control {addresses.rest}, streams {addresses.ws}, token in {folder / 'token'}", err=True)
        click.echo("ready; Ctrl-C ends it", err=True)

    config = LabConfig(data_dir=folder, token=token, host=host, rest_port=rest_port, ws_port=ws_port, **chosen)  # type: ignore[arg-type]
    uvloop.run(serve(config, say))
