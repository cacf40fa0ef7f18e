"""Says why a copy is as large as it is, what an order of it was for, and why there is none."""

from __future__ import annotations

from decimal import Decimal

from flask_babel import gettext, lazy_gettext, ngettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.replication.explain import Absence, Decision, LegKind, Sizing, leg_kind
from copydesk.trading import quote_currency
from copydesk.web.format import figure, money

_SIZES: dict[Sizing, LazyString] = {
    Sizing.EXACT: lazy_gettext("Wanted %(wanted)s, and sent exactly that."),
    Sizing.STEP: lazy_gettext("Wanted %(wanted)s, %(sent)s sent: rounded down to the exchange's step."),
    Sizing.ALLOCATION: lazy_gettext(
        "Wanted %(wanted)s, %(sent)s sent: cut to what is left of the %(allocation)s allocation."
    ),
    Sizing.QTY_MAX: lazy_gettext("Wanted %(wanted)s, %(sent)s sent: cut to the exchange's largest order."),
    Sizing.BALANCE: lazy_gettext("Wanted %(wanted)s, %(sent)s sent: cut to what the account has."),
    Sizing.MINIMUM_ROUNDED_UP: lazy_gettext(
        "Wanted %(wanted)s, %(sent)s sent: raised to the exchange's smallest order."
    ),
    Sizing.CARRIED: lazy_gettext("Wanted %(wanted)s, %(sent)s sent: what was too small before is added."),
    Sizing.KEPT_FOR_NEXT: lazy_gettext("Wanted %(wanted)s, nothing sent: carried to the next order."),
    Sizing.NOTHING: lazy_gettext("Wanted %(wanted)s, nothing sent."),
    Sizing.MADE_UP: lazy_gettext("Wanted %(wanted)s, %(sent)s sent: what earlier orders rounded off is made up for."),
    Sizing.HELD_ALREADY: lazy_gettext("Wanted %(wanted)s, %(sent)s sent: the rest was held already."),
    Sizing.RISK_LIMIT: lazy_gettext("Wanted %(wanted)s, %(sent)s sent: cut to what a limit allows."),
}

_LEGS: dict[LegKind, LazyString] = {
    LegKind.OPEN: lazy_gettext("opening order"),
    LegKind.CLOSE: lazy_gettext("closing order"),
    LegKind.FIX: lazy_gettext("correction"),
    LegKind.TOP_UP: lazy_gettext("top-up of the rest"),
    LegKind.SMALLER: lazy_gettext("second try, smaller"),
    LegKind.RESIZED: lazy_gettext("second try with what is held"),
    LegKind.JOIN: lazy_gettext("joined late"),
    LegKind.END: lazy_gettext("closed on leaving"),
    LegKind.FLAT: lazy_gettext("closed by a stop"),
    LegKind.STOP: lazy_gettext("closed by a limit"),
    LegKind.GUARD: lazy_gettext("closed by its stop at the exchange"),
    LegKind.REST: lazy_gettext("resting order"),
    LegKind.CATCH_UP: lazy_gettext("catching up with a resting order"),
    LegKind.GIVE_BACK: lazy_gettext("giving back from a resting order"),
}

# Why an order was made that the trader's trade itself does not explain.
_PURPOSES: dict[LegKind, LazyString] = {
    LegKind.FIX: lazy_gettext("The book held %(held)s and was to hold %(meant)s, so %(sent)s was closed."),
    LegKind.TOP_UP: lazy_gettext("Of the first order %(wanted)s was not filled, so the rest was tried once more."),
    LegKind.SMALLER: lazy_gettext("The account could not pay for %(wanted)s, so %(sent)s was tried."),
    LegKind.RESIZED: lazy_gettext("The exchange refused to close %(wanted)s, so %(sent)s was closed, which is there."),
    LegKind.JOIN: lazy_gettext("The trader held this when copying began, and the follower chose to take it over."),
    LegKind.END: lazy_gettext("The follower is leaving, and the book held %(held)s, so %(sent)s was closed."),
    LegKind.FLAT: lazy_gettext("Copying was stopped, and the book held %(held)s, so %(sent)s was closed."),
    LegKind.STOP: lazy_gettext("A limit was reached, and the book held %(held)s, so %(sent)s was closed."),
    LegKind.GUARD: lazy_gettext(
        "The price reached the stop that rested at the exchange, and the book held %(held)s, so %(sent)s was closed."
    ),
    LegKind.REST: lazy_gettext("The trader's own order rests at this price, so %(sent)s was placed."),
    LegKind.CATCH_UP: lazy_gettext("The trader's order was filled, and the resting order had missed %(wanted)s of it."),
    LegKind.GIVE_BACK: lazy_gettext("The trader's order ended, and the resting order had got %(wanted)s too much."),
}

_ABSENCES: dict[Absence, LazyString] = {
    Absence.NOT_SUBSCRIBED_YET: lazy_gettext("Not copied: the subscription began after this trade."),
    Absence.SUBSCRIPTION_ENDED: lazy_gettext("Not copied: the subscription had ended before this trade."),
    Absence.JOINED: lazy_gettext("Copied together with the trader's next order: see signal %(signal)s."),
    Absence.NOT_PLANNED_YET: lazy_gettext("Not planned yet: it waits for its turn."),
    Absence.BEING_SENT: lazy_gettext("On its way: orders are being sent, and no answer is stored yet."),
    Absence.ORDER_PLACED: lazy_gettext("Nothing to copy: the trader placed an order, and nothing of it was filled."),
    Absence.NOT_DELIVERED: lazy_gettext("Not copied: this trade was not handed to the follower's account."),
    Absence.SEEN_ALREADY: lazy_gettext("Not copied: a later trade was already planned for this follower."),
}

# What every follower of a plain trade has needs no name in a list.
_PLAIN = frozenset({LegKind.OPEN, LegKind.CLOSE})


def sized_words(decision: Decision, symbol: str) -> str:
    """Say in one sentence what made the quantity that was sent of the one that was wanted."""
    return str(_SIZES[decision.sizing]) % {
        "wanted": base_qty(decision.wanted_qty, symbol),
        "sent": base_qty(decision.qty, symbol),
        "allocation": money(decision.allocation, quote_currency(symbol)),
    }


def purpose_words(leg: str, decision: Decision | None, symbol: str) -> str:
    """Say why an order was made besides the copy itself; nothing for a plain copy, or where no decision was stored."""
    kind, _ = leg_kind(leg)
    if kind not in _PURPOSES or decision is None:
        return ""
    return str(_PURPOSES[kind]) % {
        "held": base_qty(decision.book_qty, symbol),
        "meant": base_qty(decision.meant_qty, symbol),
        "wanted": base_qty(decision.wanted_qty, symbol),
        "sent": base_qty(decision.qty, symbol),
    }


def leg_words(leg: str) -> str:
    """Say what an order of a signal was for, with its number where it is not the first; an unknown leg as it is."""
    kind, number = leg_kind(leg)
    if kind is None:
        return leg
    return str(_LEGS[kind]) if number == 1 else f"{_LEGS[kind]} {number}"


def leg_facts(leg: str) -> list[str]:
    """Name a leg among other facts; nothing for a plain open or close."""
    return [] if leg_kind(leg)[0] in _PLAIN else [leg_words(leg)]


def absence_words(absence: Absence, joined_into: int | None = None) -> str:
    """Say why there is no copy; `joined_into` is the later signal that it was copied with."""
    return str(_ABSENCES[absence]) % {"signal": joined_into}


def together_words(earlier: int) -> str:
    """Say that so many earlier signals of a burst were copied with this one."""
    return str(
        ngettext(
            "Copied together with %(num)s order of the trader just before, at their average price.",
            "Copied together with %(num)s orders of the trader just before, at their average price.",
            earlier,
        )
    )


def joined_words() -> str:
    """Say that a signal of a burst was copied with a later one."""
    return str(gettext("Copied together with the trader's next order."))


def base_qty(value: Decimal | None, symbol: str) -> str:
    """Write a quantity with its base currency: "0.004 BTC"."""
    return figure(value, "#,##0.########", unit=symbol.partition("/")[0])
