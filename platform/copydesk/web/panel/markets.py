"""The editor of markets: one row for each pair, with where it is traded, whether it is opened, and its bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_babel import gettext  # type: ignore[import-untyped]
from werkzeug.datastructures import MultiDict

from copydesk.tenancy import Tenant
from copydesk.web.panel.exchanges import Entry, entries_of, place_of
from copydesk.web.panel.forms import BACK, Parsed, fits_a_field
from copydesk.web.panel.standing import standing_of, value_of
from copydesk.web.panel.written import plain
from copydesk.web.words import exchange_name

EXCHANGES, MARKETS = "exchanges", "markets"
_AT, _ON, _GONE, _ADD, _ADD_AT, _ROW = "at:", "on:", "gone:", "add", "add-at", "row"
_LEVERAGE = "leverage_max"
_PAYOUTS = ("payout_weekday_ratio", "payout_weekend_ratio")
_LENGTH_MAX = 40
_ROWS_MAX = 500
Typed = MultiDict[str, str]


@dataclass(frozen=True)
class MarketRow:
    """One pair as its row shows it; figures as typed."""

    symbol: str
    places: frozenset[str]
    on: bool
    leverage: str
    payouts: Mapping[str, str]
    gone: bool = False

    @property
    def is_perpetual(self) -> bool:
        return ":" in self.symbol


class MarketsEditor:
    """One table of pairs, and a row to add another."""

    def shown(self, tenant: Tenant, typed: Typed | None, errors: Mapping[str, str]) -> Mapping[str, Any]:
        del errors  # The template has them, by field.
        entries = entries_of(tenant)
        rows = [_typed_row(row, typed) if typed is not None else row for row in rows_of(tenant)]
        return {
            "rows": rows,
            "places": [(place_of(entry), _place_words(entry, entries)) for entry in entries],
            "payouts": _PAYOUTS,
            "added": "" if typed is None else typed.get(_ADD, ""),
            "added_at": {place_of(entry) for entry in entries} if typed is None else set(typed.getlist(_ADD_AT)),
            "standings": [(key, standing_of(tenant, key)) for key in (EXCHANGES, MARKETS)],
        }

    def read(self, tenant: Tenant, typed: Typed) -> Parsed:
        back = [key for key in (EXCHANGES, MARKETS) if typed.get(key + BACK) and standing_of(tenant, key).overridden]
        if back:
            return Parsed(dict.fromkeys(back))
        kept = [symbol for symbol in typed.getlist(_ROW)[:_ROWS_MAX] if not typed.get(_GONE + symbol)]
        rules, errors = _rules(tenant, typed, kept)
        entries = _entries(tenant, typed, kept)
        added = typed.get(_ADD, "").strip().upper()[:_LENGTH_MAX]
        if added:
            errors |= _add(entries, typed, added)
        if errors:
            return Parsed({}, errors)
        changes: dict[str, object | None] = {}
        if entries != entries_of(tenant):
            changes[EXCHANGES] = entries
        if rules != rules_of(tenant):
            changes[MARKETS] = rules
        return Parsed(changes)


def rows_of(tenant: Tenant) -> list[MarketRow]:
    """Return every pair of the brand, in the order of its exchanges."""
    entries, rules = entries_of(tenant), rules_of(tenant)
    symbols = dict.fromkeys(symbol for entry in entries for symbol in entry["markets"])
    rows = []
    for symbol in symbols:
        rule = rules.get(symbol, {})
        rows.append(
            MarketRow(
                symbol=symbol,
                places=frozenset(place_of(entry) for entry in entries if symbol in entry["markets"]),
                on=rule.get("on", True),
                leverage=str(rule.get(_LEVERAGE) or ""),
                payouts={name: plain(Decimal(rule.get(name, 1)) * 100) for name in _PAYOUTS},
            )
        )
    return rows


def rules_of(tenant: Tenant) -> dict[str, dict[str, Any]]:
    """Return what the brand says of its pairs, without what is the default anyhow."""
    said = value_of(tenant, MARKETS)
    found = {symbol: _said(rule) for symbol, rule in said.items()} if isinstance(said, Mapping) else {}
    return {symbol: rule for symbol, rule in sorted(found.items()) if rule}


def _said(rule: Mapping[str, Any]) -> dict[str, Any]:
    kept = {"on": False} if rule.get("on") is False else {}
    kept |= {_LEVERAGE: rule[_LEVERAGE]} if rule.get(_LEVERAGE) else {}
    return kept | {name: rule[name] for name in _PAYOUTS if rule.get(name, 1) != 1}


def _rules(tenant: Tenant, typed: Typed, kept: list[str]) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Read every row's switch and figures. What is said of a pair that has no row here is left as it is."""
    asked = set(typed.getlist(_ROW))
    rules = {symbol: rule for symbol, rule in rules_of(tenant).items() if symbol not in asked}
    errors: dict[str, str] = {}
    for symbol in kept:
        figures: dict[str, Any] = {"on": bool(typed.get(_ON + symbol))}
        for name in (_LEVERAGE, *_PAYOUTS):
            field = f"{name}:{symbol}"
            try:
                figures[name] = _figure(name, typed.get(field, "").strip())
            except ValueError as wrong:
                errors[field] = f"{symbol}: {wrong}"
        if rule := _said({name: value for name, value in figures.items() if value is not None}):
            rules[symbol] = rule
    return dict(sorted(rules.items())), errors


def _figure(name: str, text: str) -> int | Decimal | None:
    """Read a cell; empty is the default. Raises `ValueError`."""
    if not text:
        return None
    try:
        number = Decimal(text.replace(",", ".").removesuffix("%").strip())
    except InvalidOperation:
        number = Decimal("NaN")
    fits = fits_a_field(number) and abs(number) < 10**6
    if name == _LEVERAGE:
        if not fits or number != number.to_integral_value() or number < 1:
            raise ValueError(
                gettext('expected a whole number of at least 1 as leverage, found "%(found)s"', found=text[:20])
            )
        return int(number)
    if not fits or not 0 <= number <= 100:
        raise ValueError(gettext('expected a payout from 0 to 100 %%, found "%(found)s"', found=text[:20]))
    return number / 100


def _entries(tenant: Tenant, typed: Typed, kept: list[str]) -> list[Entry]:
    """Return the exchanges with the pairs that are ticked for them, in the order that they had."""
    entries = entries_of(tenant)
    if _ROW not in typed:
        return entries
    for entry in entries:
        place = place_of(entry)
        wanted = [symbol for symbol in kept if place in typed.getlist(_AT + symbol)]
        there = [symbol for symbol in entry["markets"] if symbol in wanted]
        entry["markets"] = there + [symbol for symbol in wanted if symbol not in there]
    return entries


def _add(entries: list[Entry], typed: Typed, symbol: str) -> dict[str, str]:
    """Put a new pair at the exchanges that were ticked for it; return what is wrong, by field."""
    if any(symbol in entry["markets"] for entry in entries):
        return {_ADD: gettext("New pair: %(symbol)s is there already.", symbol=symbol)}
    wanted = [entry for entry in entries if place_of(entry) in typed.getlist(_ADD_AT)]
    if not wanted:
        return {_ADD: gettext("New pair: choose at least one exchange for %(symbol)s.", symbol=symbol)}
    for entry in wanted:
        entry["markets"].append(symbol)
    return {}


def _typed_row(row: MarketRow, typed: Typed) -> MarketRow:
    if row.symbol not in typed.getlist(_ROW):
        return row
    return MarketRow(
        symbol=row.symbol,
        places=frozenset(typed.getlist(_AT + row.symbol)),
        on=bool(typed.get(_ON + row.symbol)),
        leverage=typed.get(f"{_LEVERAGE}:{row.symbol}", ""),
        payouts={name: typed.get(f"{name}:{row.symbol}", "") for name in _PAYOUTS},
        gone=bool(typed.get(_GONE + row.symbol)),
    )


def _place_words(entry: Entry, entries: list[Entry]) -> str:
    """Name an exchange, with its kind where the venue is there twice."""
    name = str(exchange_name(entry["venue"]))
    twice = sum(other["venue"] == entry["venue"] for other in entries) > 1
    return f"{name} ({entry['environment']})" if twice else name
