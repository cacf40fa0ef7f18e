"""What is said last, before somebody confirms: everything that will be done, in whole sentences."""

from __future__ import annotations

from collections.abc import Iterator

from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.replication import CARRY_S_MAX, ROUND_UP_RATIO_MAX
from copydesk.tenancy import Tenant, setting_value
from copydesk.trading import CopyMode, SizePolicy, SizingMode
from copydesk.web.copying.copy_words import joining_words
from copydesk.web.copying.facing import Facing
from copydesk.web.copying.preflight import Preflight
from copydesk.web.format import money, qty
from copydesk.web.keys.key_words import place_name


def review_sentences(facing: Facing, found: Preflight) -> list[str]:
    """Say everything once more, as it will be done."""
    return list(_review(facing, found))


def _review(facing: Facing, found: Preflight) -> Iterator[str]:
    chosen, currency = found.chosen, facing.currency
    yield gettext(
        "“%(account)s” at %(place)s copies %(strategy)s by %(trader)s, with %(amount)s at most.",
        account=found.own.health.label,
        place=place_name(found.own.health.venue, found.own.health.environment),
        strategy=facing.card.name,
        trader=facing.card.trader_name,
        amount=money(chosen.amount, currency),
    )
    yield _sized(facing, found)
    yield _small(facing.tenant, chosen.small)
    if chosen.copies is CopyMode.ORDERS:
        yield gettext("The trader’s orders are copied themselves: resting ones too, with their stops and take-profits.")
    if facing.leverage_max:
        most = chosen.leverage or facing.leverage_max
        yield gettext("Perpetuals are traded with leverage of at most %(leverage)s×.", leverage=most)
    yield joining_words(found.joining, chosen.join)


def _sized(facing: Facing, found: Preflight) -> str:
    chosen = found.chosen
    match chosen.sizing:
        case SizingMode.MULTIPLIER:
            told = gettext(
                "Each order has the trader’s share of equity times %(factor)s, of your amount.",
                factor=qty(chosen.value),
            )
        case SizingMode.FIXED_NOTIONAL:
            told = gettext("Each order is worth %(amount)s.", amount=money(chosen.value, facing.currency))
        case _:
            told = gettext("Each order is as large a part of your amount as the trader’s is of the trader’s equity.")
    return str(told)


def _small(tenant: Tenant, small: SizePolicy) -> str:
    match small:
        case SizePolicy.ROUND_UP:
            told = gettext(
                "An order that is too small for the exchange "
                "is raised to the smallest one, at most %(times)s times its size.",
                times=setting_value(tenant, ROUND_UP_RATIO_MAX, int),
            )
        case SizePolicy.ACCUMULATE:
            told = gettext(
                "Orders that are too small for the exchange are added to the next ones, for up to %(minutes)s minutes.",
                minutes=setting_value(tenant, CARRY_S_MAX, int) // 60,
            )
        case _:
            told = gettext("An order that is too small for the exchange is skipped, and you are told.")
    return str(told)
