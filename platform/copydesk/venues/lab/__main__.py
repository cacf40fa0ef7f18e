"""Run a lab as a process of its own: `python -m copydesk.venues.lab --data-dir … --token-file …`."""

from __future__ import annotations

from pathlib import Path

import click
import uvloop

from copydesk.kernel import CopydeskError
from copydesk.venues.lab.run import LabConfig, serve


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--rest-port", default=0, show_default=True, help="Port of plain REST; 0 = any free one.")
@click.option("--ws-port", default=0, show_default=True, help="Port of plain streams; 0 = any free one.")
@click.option("--control-port", default=0, show_default=True, help="Port of control and page; 0 = any free one.")
@click.option(
    "--tls-port",
    "tls_ports",
    type=int,
    multiple=True,
    help="Port of REST and streams under TLS, for every exchange's host name; may be repeated; 0 = any free one.",
)
@click.option("--data-dir", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--token-file", required=True, type=click.Path(path_type=Path), help="File that holds the control token.")
@click.option("--seed", default=0, show_default=True, help="Seed of prices, sizes and faults.")
@click.option("--speed", default=1.0, show_default=True, help="Market time per wall time.")
@click.option("--rtt-ms", default=0.0, show_default=True, help="Artificial round trip of each request.")
@click.option("--light", is_flag=True, help="Fill orders at the last price, without a book.")
@click.option("--start", type=int, help="Market time to begin at, in epoch ms of the replayed days.")
def main(token_file: Path, **options: object) -> None:
    """Run the simulated exchanges until told to stop; prints one JSON line with the addresses when ready."""
    try:
        token = token_file.read_text().strip()
    except OSError as error:
        raise click.ClickException(f"--token-file {token_file}: expected a readable file, {error.strerror}") from error
    if not token:
        raise click.ClickException(f"--token-file {token_file}: expected a token, found an empty file")
    try:
        uvloop.run(serve(LabConfig(token=token, **options)))  # type: ignore[arg-type]
    except CopydeskError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
