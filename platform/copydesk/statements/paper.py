"""A statement as a PDF: the brand's name, mark and color on top, one section for each subscription and strategy.

Latin and Arabic letters come from an embedded font (Vazirmatn, SIL Open Font License); right-to-left languages have
their columns mirrored. Lists are cut at `ROWS_MAX`; the CSV has all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from copydesk.kernel import ZERO
from copydesk.statements.canvas import Canvas, Column
from copydesk.statements.model import (
    ClosedPosition,
    Followers,
    Held,
    Movement,
    Statement,
    StrategyPart,
    SubscriptionPart,
)
from copydesk.statements.port import Look, Words

ROWS_MAX = 100
_POSITIONS = (
    Column("market", 0.15),
    Column("side", 0.08),
    Column("qty", 0.13, end=True),
    Column("entry", 0.13, end=True),
    Column("exit", 0.13, end=True),
    Column("closed_at", 0.2),
    Column("result", 0.18, end=True),
)
_HELD = (
    Column("market", 0.2),
    Column("qty", 0.2, end=True),
    Column("cost", 0.2, end=True),
    Column("price", 0.2, end=True),
    Column("floating", 0.2, end=True),
)
_COPIES = (
    Column("time", 0.24),
    Column("market", 0.2),
    Column("side", 0.1),
    Column("qty", 0.16, end=True),
    Column("average", 0.16, end=True),
    Column("outcome", 0.14),
)
_MONTHS = (Column("month", 0.5), Column("return", 0.5, end=True))


def statement_pdf(statement: Statement, words: Words, look: Look) -> bytes:
    """Draw a statement; the same statement gives the same bytes."""
    canvas = Canvas(words, look, title=words.label("title"), made_at=statement.made_at)
    _head(canvas, statement, words)
    for subscription in statement.subscriptions:
        _subscription(canvas, subscription, words)
    for strategy in statement.strategies:
        _strategy(canvas, strategy, words)
    if not statement.subscriptions and not statement.strategies:
        canvas.said(words.label("none"))
    return canvas.finished()


def _head(canvas: Canvas, statement: Statement, words: Words) -> None:
    person, period = statement.person, statement.period
    canvas.title(
        words.label("title"), words.label("span", {"first": words.day(period.first), "last": words.day(period.last)})
    )
    canvas.facts(
        [
            (words.label("for"), person.name or person.email),
            (words.label("email"), person.email),
            (words.label("number"), str(person.user_id)),
            (words.label("made"), words.moment(statement.made_at)),
        ]
    )
    canvas.said(words.label("zone", {"zone": statement.time_zone}))
    if statement.unfinished:
        canvas.said(words.label("unfinished"))


def _subscription(canvas: Canvas, part: SubscriptionPart, words: Words) -> None:
    names = {"strategy": part.strategy_name, "trader": part.trader_name}
    canvas.section(words.label("copying", names), _place(part.exchange, part.account, words))
    money, unit = part.money, part.money.currency
    canvas.facts(
        [
            (words.label("opening"), words.money(money.opening, unit)),
            (words.label("flow"), words.money(money.flow, unit, signed=True)),
            (words.label("realized"), words.money(money.realized, unit, signed=True)),
            (words.label("unrealized"), words.money(money.unrealized, unit, signed=True)),
            (words.label("fees"), words.money(-money.fees, unit, signed=True)),
            (words.label("funding"), words.money(money.funding, unit, signed=True)),
            (words.label("net"), words.money(money.net, unit, signed=True)),
            (words.label("closing"), words.money(money.closing, unit)),
            *_apart(money.apart, words),
            (words.label("money_weighted"), words.ratio(part.money_weighted)),
            (words.label("fall"), words.ratio(None if part.fall is None else -part.fall)),
        ],
        strong=(words.label("net"), words.label("closing")),
    )
    _positions(canvas, part.closed, words)
    _held(canvas, part.held, words, unit)
    _copies(canvas, part, words)


def _strategy(canvas: Canvas, part: StrategyPart, words: Words) -> None:
    canvas.section(words.label("led", {"strategy": part.name}), _place(part.exchange, "", words))
    unit = part.currency
    canvas.facts(
        [
            (words.label("opening"), words.money(part.opening, unit)),
            (words.label("flow"), words.money(part.flow, unit, signed=True)),
            (words.label("net"), words.money(part.net, unit, signed=True)),
            (words.label("closing"), words.money(part.closing, unit)),
            (words.label("realized"), words.money(part.realized, unit, signed=True)),
            (words.label("fees"), words.money(-part.fees, unit, signed=True)),
            *_apart(part.apart, words),
            (words.label("time_weighted"), words.ratio(part.ratio)),
            (words.label("fall"), words.ratio(None if part.fall is None else -part.fall)),
        ],
        strong=(words.label("net"), words.label("closing")),
    )
    if part.months:
        canvas.heading(words.label("months"))
        rows = [[f"{one.year:04}-{one.month:02}", words.ratio(one.ratio)] for one in part.months]
        canvas.table(_MONTHS, rows)
    _positions(canvas, part.closed, words)
    _held(canvas, part.held, words, unit)
    canvas.heading(words.label("followers"))
    canvas.facts(_crowd(part.followers, words, unit))


def _crowd(crowd: Followers, words: Words, unit: str) -> list[tuple[str, str]]:
    won = {"won": words.count(crowd.in_profit), "counted": words.count(crowd.counted)}
    return [
        (words.label("followers_before"), words.count(crowd.before)),
        (words.label("followers_joined"), words.count(crowd.joined)),
        (words.label("followers_left"), words.count(crowd.left)),
        (words.label("followers_after"), words.count(crowd.after)),
        (words.label("allocation"), words.money(crowd.allocation, unit)),
        (words.label("followers_net"), words.money(crowd.net, unit, signed=True)),
        (words.label("in_profit"), words.label("in_profit_of", won)),
        (words.label("earned"), words.label("not_settled")),
    ]


def _place(exchange: str, account: str, words: Words) -> str:
    name = words.exchange(exchange)
    return words.label("account", {"account": account, "exchange": name}) if account else name


def _apart(amounts: Mapping[str, Decimal], words: Words) -> Iterator[tuple[str, str]]:
    for currency, amount in sorted(amounts.items()):
        if amount != ZERO:
            yield words.label("apart", {"currency": currency}), words.money(amount, currency, signed=True)


def _positions(canvas: Canvas, closed: Sequence[ClosedPosition], words: Words) -> None:
    if not closed:
        return
    canvas.heading(words.label("closed"))
    rows = [
        [
            one.symbol,
            words.label("long" if one.long else "short"),
            words.qty(one.qty),
            words.px(one.entry_px),
            words.px(one.exit_px),
            words.moment(one.closed_at),
            words.money(one.realized - one.fees, "", signed=True),
        ]
        for one in closed[-ROWS_MAX:]
    ]
    canvas.table(_POSITIONS, rows)
    _cut(canvas, len(closed), words)


def _held(canvas: Canvas, held: Sequence[Held], words: Words, unit: str) -> None:
    if not held:
        return
    canvas.heading(words.label("held"))
    rows = [
        [
            one.symbol,
            words.qty(one.qty),
            words.money(one.cost, unit),
            words.px(one.px),
            words.money(one.unrealized, unit, signed=True),
        ]
        for one in held[:ROWS_MAX]
    ]
    canvas.table(_HELD, rows)
    _cut(canvas, len(held), words)


def _copies(canvas: Canvas, part: SubscriptionPart, words: Words) -> None:
    if not part.copies:
        return
    canvas.heading(words.label("copies"))
    canvas.facts([(words.state(one.status), words.count(one.copies)) for one in part.outcomes])
    canvas.table(_COPIES, [_copy(line, words) for line in part.copies[-ROWS_MAX:]])
    _cut(canvas, len(part.copies), words)


def _copy(line: Movement, words: Words) -> list[str]:
    row = [
        words.moment(line.at),
        line.symbol,
        words.label("buy" if line.side == "buy" else "sell"),
        words.qty(line.qty),
        words.px(line.px),
        words.state(line.status),
    ]
    return [*row, words.reason(line.reason, line.facts)] if line.reason else row


def _cut(canvas: Canvas, count: int, words: Words) -> None:
    if count > ROWS_MAX:
        canvas.said(words.label("more", {"count": words.count(count - ROWS_MAX)}))
