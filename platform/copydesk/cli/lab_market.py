"""`copydesk lab market`: how time runs and prices move on the lab."""

from __future__ import annotations

from typing import Any

import click

from copydesk.cli.installation import print_json
from copydesk.cli.lab_client import AS_JSON, VENUE, show, with_lab
from copydesk.cli.options import Number
from copydesk.demo.lab_control import LabControl
from copydesk.venues.lab import LabConfig

MARKET = click.option("--market", type=click.Choice(["spot", "perp"]), default="spot", show_default=True, help="Which.")
ON = click.option("--venue", type=VENUE, default="binance", show_default=True, help="Exchange.")
ANYWHERE = click.option("--venue", type=VENUE, help="On this exchange only.")


@click.group("market")
def market() -> None:
    """Show and steer time, prices, depth, volatility, halts.

    \b
    Examples:
      copydesk lab market show
      copydesk lab market pin BTCUSDT 100000
      copydesk lab market gap BTCUSDT -8
    """


@market.command("show")
@AS_JSON
@with_lab
def show_market(lab: LabControl, as_json: bool) -> None:
    """Show speed, round trip, pins, factors and halts.

    \b
    Example:
      copydesk lab market show --json
    """
    answer = lab.call("GET", "market")
    show(as_json, answer, ("what", "value"), answer.items())


@market.command("books")
@ANYWHERE
@AS_JSON
@with_lab
def show_books(lab: LabControl, venue: str | None, as_json: bool) -> None:
    """Show the best prices of every instrument.

    \b
    Example:
      copydesk lab market books --venue okx
    """
    answer = lab.call("GET", "books", {"levels": 1, **({"venue": venue} if venue else {})})
    rows = [(b["venue"], b["market"], b["symbol"], *_best(b), b["last_px"]) for b in answer["books"]]
    show(as_json, answer, ("exchange", "market", "symbol", "bid", "bid qty", "ask", "ask qty", "last"), rows)


def _best(book: dict[str, Any]) -> list[str]:
    return [cell for side in (book["bids"], book["asks"]) for cell in (side[0] if side else ("", ""))]


@market.command("speed")
@click.argument("speed", type=Number(0, LabConfig.SPEED_MAX))
@AS_JSON
@with_lab
def set_speed(lab: LabControl, speed: float, as_json: bool) -> None:
    """Set market time per wall time; 0 stands still.

    \b
    Example:
      copydesk lab market speed 60
    """
    _say(as_json, lab.call("POST", "speed", {"speed": speed}), f"market time runs {speed:g} times as fast")


@market.command("rtt")
@click.argument("milliseconds", type=Number(0, LabConfig.RTT_MS_MAX))
@AS_JSON
@with_lab
def set_rtt(lab: LabControl, milliseconds: float, as_json: bool) -> None:
    """Set the artificial round trip of requests.

    \b
    Example:
      copydesk lab market rtt 20
    """
    _say(as_json, lab.call("POST", "rtt", {"ms": milliseconds}), f"requests take {milliseconds:g} ms")


@market.command("pin")
@click.argument("symbol")
@click.argument("px", required=False)
@AS_JSON
@with_lab
def pin(lab: LabControl, symbol: str, px: str | None, as_json: bool) -> None:
    """Hold a pair's price on every exchange; without a price let it follow the market again.

    \b
    Examples:
      copydesk lab market pin BTCUSDT 100000
      copydesk lab market pin BTCUSDT
    """
    answer = lab.call("POST", "marks", {"symbol": symbol, "px": px})
    _say(as_json, answer, f"{symbol} stays at {px}" if px else f"{symbol} follows the market")


@market.command("depth")
@click.argument("factor")
@ANYWHERE
@AS_JSON
@with_lab
def set_depth(lab: LabControl, factor: str, venue: str | None, as_json: bool) -> None:
    """Let the house quote that many times its usual quantities.

    \b
    Examples:
      copydesk lab market depth 0.05
      copydesk lab market depth 10 --venue bybit
    """
    answer = lab.call("POST", "depth", {"factor": factor, **({"venue": venue} if venue else {})})
    _say(as_json, answer, f"books are {factor} times as deep as usual")


@market.command("volatility")
@click.argument("factor")
@AS_JSON
@with_lab
def set_volatility(lab: LabControl, factor: str, as_json: bool) -> None:
    """Let prices move that many times as much as the replayed ones, from where they are.

    \b
    Example:
      copydesk lab market volatility 5
    """
    _say(as_json, lab.call("POST", "volatility", {"factor": factor}), f"prices move {factor} times as much")


@market.command("halt")
@click.argument("symbol")
@ON
@MARKET
@click.option("--resume", is_flag=True, help="Let it trade again.")
@AS_JSON
@with_lab
def halt(lab: LabControl, symbol: str, venue: str, market: str, resume: bool, as_json: bool) -> None:
    """Stop trading in an instrument, or resume it; cancels work meanwhile.

    \b
    Examples:
      copydesk lab market halt BTCUSDT --venue binance
      copydesk lab market halt BTC-USDT-SWAP --venue okx --market perp --resume
    """
    where = {"symbol": symbol, "venue": venue, "market": market}
    answer = lab.call("POST", "halt", {**where, "halted": not resume})
    _say(as_json, answer, f"{symbol} on {venue} {'trades again' if resume else 'is halted'}")


@market.command("delist")
@click.argument("symbol")
@ON
@MARKET
@AS_JSON
@with_lab
def delist(lab: LabControl, symbol: str, venue: str, market: str, as_json: bool) -> None:
    """End everything open on an instrument and take it off the lists; lifting the fault lists it again.

    \b
    Example:
      copydesk lab market delist XRPUSDT --venue bybit --market perp
    """
    answer = lab.call("POST", "faults", {"harm": "delist", "symbol": symbol, "venue": venue, "market": market})
    _say(as_json, answer, f"{symbol} on {venue} is gone until copydesk lab faults lift {answer['id']}")


@market.command("gap", context_settings={"ignore_unknown_options": True})
@click.argument("symbol")
@click.argument("percent", type=Number(-90, 900))
@AS_JSON
@with_lab
def gap(lab: LabControl, symbol: str, percent: float, as_json: bool) -> None:
    """Let a pair's price jump on every exchange, until the fault is lifted.

    \b
    Examples:
      copydesk lab market gap BTCUSDT -8
      copydesk lab market gap ETHUSDT 3.5
    """
    answer = lab.call("POST", "faults", {"harm": "gap", "symbol": symbol, "percent": percent})
    _say(as_json, answer, f"{symbol} moved by {percent:g} % until copydesk lab faults lift {answer['id']}")


@market.command("light")
@click.argument("state", type=click.Choice(["on", "off"]))
@ANYWHERE
@AS_JSON
@with_lab
def light(lab: LabControl, state: str, venue: str | None, as_json: bool) -> None:
    """Fill orders at the last price without a book, or match them again.

    \b
    Example:
      copydesk lab market light on --venue okx
    """
    answer = lab.call("POST", "light", {"light": state == "on", **({"venue": venue} if venue else {})})
    _say(as_json, answer, f"filled at the last price: {', '.join(answer['light']) or 'nowhere'}")


def _say(as_json: bool, answer: dict[str, Any], sentence: str) -> None:
    if as_json:
        print_json(answer)
    else:
        click.echo(sentence)
