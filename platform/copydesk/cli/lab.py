"""`copydesk lab`: the simulated exchanges on their own, and everything that steers them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from copydesk.cli.installation import open_installation, print_json, with_installation
from copydesk.cli.lab_accounts import accounts, keys
from copydesk.cli.lab_client import with_lab
from copydesk.cli.lab_faults import faults, journal
from copydesk.cli.lab_market import market
from copydesk.cli.options import PORT, Number
from copydesk.demo.lab_control import LabControl
from copydesk.kernel import ConfigError
from copydesk.stack import lab_token, require_free_port
from copydesk.venues.lab import (
    CCXT_VENUES,
    LAB_HOST,
    Addresses,
    LabConfig,
    ccxt_urls,
    exports,
    ports_to,
    serve,
    write_same_host,
)

SAME_HOST = "same-host"


@click.group("lab")
def command() -> None:
    """Run and steer the simulated exchanges.

    \b
    Examples:
      copydesk lab serve --tls-port 8443
      copydesk lab accounts open ada --venue okx --balance USDT=10000
      copydesk lab faults add delay delay_ms=300
    """


for part in (accounts, keys, faults, journal, market):
    command.add_command(part)


@command.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--rest-port", default=8010, show_default=True, type=PORT, help="Port of plain REST.")
@click.option("--ws-port", default=8011, show_default=True, type=PORT, help="Port of plain streams.")
@click.option("--control-port", default=8012, show_default=True, type=PORT, help="Port of control and the live page.")
@click.option(
    "--tls-port",
    "tls_ports",
    type=click.IntRange(0, 65535),
    multiple=True,
    help="Port of REST and streams under TLS, for every exchange's host name; may be repeated; 0 = any free one.",
)
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
@click.option("--light", is_flag=True, help="Fill orders at the last price, without a book.")
@click.option("--start", type=int, help="Market time to begin at, in epoch ms of the replayed days.")
@with_installation
def serve_lab(
    root: Path, var: Path | None, data_dir: Path | None, host: str, tls_ports: Sequence[int], **chosen: Any
) -> None:
    """Run the simulated exchanges until told to stop; their state stays for the next start.

    \b
    Examples:
      copydesk lab serve
      copydesk lab serve --speed 60 --seed 7 --rtt-ms 20
      copydesk lab serve --tls-port 443 --tls-port 8443 --tls-port 9443
    """
    import uvloop

    # A lab that cannot listen leaves no folder behind, so the ports are tried first.
    for name in ("rest_port", "ws_port", "control_port"):
        require_free_port(chosen[name], f"--{name.replace('_', '-')}", host)
    for port in tls_ports:
        if port:
            require_free_port(port, "--tls-port", host)
    folder = data_dir or open_installation(root, var).var / "lab"
    token = lab_token(folder)

    def say(addresses: Addresses) -> None:
        click.echo(f"REST {addresses.rest}, streams {addresses.ws}", err=True)
        for url in addresses.tls:
            click.echo(f"REST and streams under TLS {url}, trusted by {addresses.ca_file}", err=True)
        click.echo(f"control and live page {addresses.control}, token in {folder / 'token'}", err=True)
        click.echo("ready; Ctrl-C ends it", err=True)

    uvloop.run(serve(LabConfig(data_dir=folder, token=token, host=host, tls_ports=tls_ports, **chosen), say))


@command.command("urls")
@click.option("--venue", type=click.Choice(CCXT_VENUES), help="Of this exchange only.")
@click.option("--tls", is_flag=True, help="Under TLS, by a host name that same-host mode resolves.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
@with_lab
def show_urls(lab: LabControl, venue: str | None, tls: bool, as_json: bool) -> None:
    """Print ccxt's `urls` option for each exchange of the running lab.

    Under TLS ccxt tells Binance's errors apart as on the real hosts; plain addresses need no certificate.

    \b
    Examples:
      copydesk lab urls --venue okx --json
      copydesk lab urls --tls
    """
    places = lab.call("GET", "state")["addresses"]
    rest, ws = places["rest"], places["ws"]
    if tls:
        port = _tls_ports(places)[0]
        rest, ws = f"https://{LAB_HOST}:{port}", f"wss://{LAB_HOST}:{port}"
    found = {name: ccxt_urls(name, rest, ws) for name in CCXT_VENUES if venue in (None, name)}
    if as_json:
        print_json(found)
        return
    for name, urls in found.items():
        click.echo(name)
        for path, url in _flat(urls["api"]):
            click.echo(f"  {path:<24} {url}")


def _flat(urls: dict[str, object], before: str = "") -> list[tuple[str, str]]:
    rows = []
    for name, value in urls.items():
        rows += _flat(value, f"{before}{name}.") if isinstance(value, dict) else [(f"{before}{name}", str(value))]
    return rows


@command.command(SAME_HOST)
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Where to write [default: same-host in the lab's folder]."
)
@with_lab
def same_host(lab: LabControl, folder: Path | None) -> None:
    """Write what lets programs that know only the real host names trade on the lab; print the environment for it.

    The lab must listen under TLS (copydesk lab serve --tls-port). Python programs need nothing else; others need
    the hosts in /etc/hosts and the lab on ports 443, 8443 and 9443.

    \b
    Examples:
      eval "$(copydesk lab same-host)" && python stranger.py
      copydesk lab same-host --folder /tmp/same-host
    """
    places = lab.call("GET", "state")["addresses"]
    ca_file = Path(places["ca_file"])
    tls_ports = ports_to(_tls_ports(places))
    address = str(places["tls"][0]).removeprefix("https://").rpartition(":")[0]
    environment = write_same_host(
        folder or ca_file.parent / SAME_HOST, address=address, tls_ports=tls_ports, ca_file=ca_file
    )
    click.echo(exports(environment))


def _tls_ports(places: dict[str, list[int]]) -> list[int]:
    if not places["tls_ports"]:
        raise ConfigError("the lab does not listen under TLS: start it with copydesk lab serve --tls-port 8443")
    return places["tls_ports"]
