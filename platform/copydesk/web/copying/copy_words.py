"""What is said beside the form of copying: profiles, worst case, fees, what the trader holds, what is in the way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlencode

from flask_babel import gettext, lazy_gettext, ngettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.kernel import decimal_text
from copydesk.replication import SLIPPAGE_BPS_MAX, JoinLine
from copydesk.risk.model import Action, Limit, Measure, Unit
from copydesk.risk.profiles import Profile
from copydesk.tenancy import setting_value
from copydesk.trading import CopyMode, Denial, JoinMode, SizePolicy, SizingMode
from copydesk.web.copying.asked import Chosen
from copydesk.web.copying.facing import Facing, Own
from copydesk.web.copying.preflight import DAYS, Joining, Preflight, Worst
from copydesk.web.format import figure, money, pair, pct, px, qty, share
from copydesk.web.keys.key_words import place_name
from copydesk.web.limit_sentences import limit_sentence, profile_words
from copydesk.web.words import words
from copydesk.whatif import fees_at

_SIZINGS: Mapping[SizingMode, LazyString] = {
    SizingMode.EQUITY_RATIO: lazy_gettext("in proportion to my amount"),
    SizingMode.MULTIPLIER: lazy_gettext("a multiple of that"),
    SizingMode.FIXED_NOTIONAL: lazy_gettext("the same amount for each order"),
}
_JOINS: Mapping[JoinMode, LazyString] = {
    JoinMode.IGNORE: lazy_gettext("Leave them out, copy what comes new"),
    JoinMode.AT_MARKET: lazy_gettext("Take them over now, at the market's price"),
    JoinMode.BETTER_PRICE: lazy_gettext("Take them over only at a better price than the trader's"),
    JoinMode.WAIT_UNTIL_FLAT: lazy_gettext("Leave a market out until the trader has closed it"),
}
_SMALL: Mapping[SizePolicy, LazyString] = {
    SizePolicy.SKIP: lazy_gettext("Skip them"),
    SizePolicy.ROUND_UP: lazy_gettext("Raise them to the smallest order"),
    SizePolicy.ACCUMULATE: lazy_gettext("Add them up until they are large enough"),
}
_COPIES: Mapping[CopyMode, LazyString] = {
    CopyMode.FILLS: lazy_gettext("What the trader's orders fill"),
    CopyMode.ORDERS: lazy_gettext("The orders themselves, resting ones as well"),
}
_STEPS: Mapping[Action, LazyString] = {
    Action.WARN: lazy_gettext("%(loss)s: you are told."),
    Action.BLOCK_OPENS: lazy_gettext("%(loss)s: nothing new is opened."),
    Action.CLOSE: lazy_gettext("%(loss)s: everything is closed."),
    Action.CLOSE_AND_DISARM: lazy_gettext("%(loss)s: everything is closed, and copying stops."),
}


@dataclass(frozen=True)
class ProfileTold:
    """A risk profile as the picker shows it: what it does at which loss, its worst case, and every limit in words."""

    key: str
    title: str
    worst: str
    steps: tuple[str, ...]
    limits: tuple[str, ...]


def profiles_told(facing: Facing) -> list[ProfileTold]:
    """Return the brand's profiles for the picker."""
    return [
        ProfileTold(
            profile.value,
            profile_words(profile),
            next((_fall(limit) for limit in limits if _is_fall(limit) and limit.action.closes), ""),
            tuple(_steps(limits)),
            tuple(map(limit_sentence, limits)),
        )
        for profile, limits in facing.profiles.items()
    ]


def choices() -> dict[str, list[tuple[str, str]]]:
    """Return what each field of the closed part offers."""
    return {
        "sizings": [(key.value, str(said)) for key, said in _SIZINGS.items()],
        "joins": [(key.value, str(said)) for key, said in _JOINS.items()],
        "smalls": [(key.value, str(said)) for key, said in _SMALL.items()],
        "copies": [(key.value, str(said)) for key, said in _COPIES.items()],
    }


def account_words(own: Own, currency: str) -> str:
    """Say where an account is and what is free in it, as far as that is known."""
    place = place_name(own.health.venue, own.health.environment)
    return f"{place}. {free_words(own, currency)}"


def free_words(own: Own, currency: str) -> str:
    """Say what is free in an account, and what other copies may use of that."""
    if own.funds is None:
        if own.seen.looking:
            return str(gettext("We are asking the exchange how much is free there."))
        return str(gettext("How much is free there is not known now."))
    free, promised = money(own.funds.free, currency), money(own.funds.promised, currency)
    if own.funds.promised:
        return str(gettext("%(free)s are free; other copies may use up to %(promised)s.", free=free, promised=promised))
    return str(gettext("%(free)s are free.", free=free))


def copied_words(found: Preflight) -> str:
    """Say which part of the last months' orders the amount would have copied."""
    if found.answer is None:
        return str(
            gettext(
                "The past cannot be replayed now: what the exchange takes at least is not known. Try again in a minute."
            )
        )
    ratio, result = found.answer.result.copied_ratio, found.answer.result
    if ratio is None:
        return str(
            gettext("The trader opened nothing in the last %(days)s days, so there was nothing to copy.", days=DAYS)
        )
    days = max(round((result.until - result.since).total_seconds() / 86_400), 1)
    return str(
        ngettext(
            "With %(amount)s, %(ratio)s of the last %(num)s day’s orders would have been copied.",
            "With %(amount)s, %(ratio)s of the last %(num)s days’ orders would have been copied.",
            days,
            amount=money(result.allocation, result.currency),
            ratio=pct(ratio, signed=False),
        )
    )


def worst_words(worst: Worst, amount: Decimal, currency: str) -> str:
    """Say what is lost at the stop, in percent and in money."""
    lost = money(-worst.loss, currency)
    if worst.limit is None:
        return str(gettext("No limit closes everything by itself: all of it may be lost, %(lost)s.", lost=lost))
    at = pct(-worst.loss / amount, digits=0 if (worst.loss / amount * 100) % 1 == 0 else 1)
    if worst.limit.action is Action.CLOSE_AND_DISARM:
        return str(gettext("At %(loss)s we close all and stop: that is %(lost)s.", loss=at, lost=lost))
    return str(gettext("At %(loss)s we close all: that is %(lost)s.", loss=at, lost=lost))


def fee_rows(facing: Facing, own: Own, found: Preflight | None) -> list[tuple[str, str]]:
    """Return everything that copying costs, and who gets it."""
    fees = fees_at(own.health.venue)
    spot, perpetual = facing.card.spot, facing.card.perpetual
    rows = [(gettext("Profit share, of what copying earns you"), share(facing.terms.profit_share))]
    if spot or not perpetual:
        rows.append((gettext("Exchange’s fee for each spot order"), share(fees.spot)))
    if perpetual:
        rows.append((gettext("Exchange’s fee for each order in perpetuals"), share(fees.perpetual)))
        rows.append((gettext("Funding of perpetuals"), gettext("what the exchange charges or pays")))
    worse = setting_value(facing.tenant, SLIPPAGE_BPS_MAX, int)
    rows.append((gettext("Worse price than the trader’s, at most"), share(Decimal(worse) / 10_000)))
    if found is not None and found.answer is not None and found.answer.result.copied:
        usual = found.answer.told.terms.slippage_bps
        rows.append((gettext("Worse price than the trader’s, usually"), figure(usual / 100, "#,##0.###", unit="%")))
    rows.append((gettext("Anything else"), gettext("nothing")))
    return [(str(term), str(said)) for term, said in rows]


def joining_words(joining: Joining, join: JoinMode) -> str:
    """Say what the trader holds now, and what becomes of it."""
    count = len(joining.held)
    if not count:
        return str(gettext("The trader holds no position now. The first order that comes is copied."))
    lead = ngettext("The trader holds %(num)s position now.", "The trader holds %(num)s positions now.", count)
    match join:
        case JoinMode.IGNORE:
            then = gettext("What is held is left out; what the trader opens or adds from now on is copied.")
        case JoinMode.WAIT_UNTIL_FLAT:
            then = gettext("A market that is held now is left out until the trader has closed it once.")
        case JoinMode.BETTER_PRICE:
            then = gettext("What is held is taken over only where the price is better than the trader’s.")
        case JoinMode.AT_MARKET:
            then = gettext("What is held is taken over now, at the market’s price.")
    return f"{lead} {then}"


def joining_rows(joining: Joining, currency: str) -> list[tuple[str, str]]:
    """Say of each position what would be bought or sold, or why it is left out."""
    return [(pair(line.symbol), _joined(line, currency)) for line in joining.lines or ()]


def held_rows(joining: Joining) -> list[tuple[str, str]]:
    """Say what the trader holds: how much of which market."""
    long, short = gettext("long"), gettext("short")
    return [(pair(one.symbol), f"{long if one.qty > 0 else short} {qty(abs(one.qty))}") for one in joining.held]


def against_words(found: Preflight) -> list[str]:
    """Say why these terms cannot be begun with; nothing where they can."""
    told = [words(denial, facts) for denial, facts in found.against]
    currency = "" if found.answer is None else found.answer.result.currency
    for one in found.excess:
        bound = gettext("Choose at most %(amount)s.", amount=money(one.most, currency))
        told.append(f"{limit_sentence(one.scoped.limit)} {bound}")
    return told


def beyond_funds(found: Preflight, currency: str) -> str:
    """Say that the account holds less than the amount, where that is known."""
    funds = found.own.funds
    if funds is None or found.chosen.amount <= funds.free:
        return ""
    return str(
        gettext(
            "That is more than the %(free)s that are free in the account. What cannot be paid is skipped.",
            free=money(funds.free, currency),
        )
    )


def kin_words(kin: Denial | None) -> str:
    """Say why an account may not copy this trader; nothing where it may."""
    return words(kin, {})


def profile_name(profile: Profile | None) -> str:
    """Name what was chosen."""
    return "" if profile is None else profile_words(profile)


def past_address(facing: Facing, chosen: Chosen) -> str:
    """Return where the whole past can be replayed on the same terms."""
    terms = {
        "amount": decimal_text(chosen.amount),
        "sizing": chosen.sizing.value,
        "value": "" if chosen.value is None else decimal_text(chosen.value),
        "profile": "" if chosen.profile is None else chosen.profile.value,
    }
    query = urlencode({name: text for name, text in terms.items() if text})
    return f"/strategies/{facing.subject.slug}/what-if?{query}"


def switch_words(facing: Facing) -> str:
    """Say that opening is stopped, and why; nothing where it is not."""
    if facing.switch is None:
        return ""
    lead = gettext("You can begin, and nothing is opened until it goes on.")
    if facing.switch.reason:
        return f"{gettext('Opening is stopped for now: %(reason)s.', reason=facing.switch.reason.rstrip('.'))} {lead}"
    return f"{gettext('Opening is stopped for now.')} {lead}"


def _joined(line: JoinLine, currency: str) -> str:
    if line.skipped is not None:
        return words(*line.skipped)
    told = gettext(
        "%(qty)s at up to %(px)s: worth %(worth)s, fee about %(fee)s",
        qty=qty(line.qty),
        px=px(line.px_worst),
        worth=money(line.notional, currency),
        fee=money(line.fee, currency),
    )
    return str(told)


def _steps(limits: Iterable[Limit]) -> Iterator[str]:
    """Say what happens at which fall, and the two other bounds that a newcomer asks for."""
    for limit in limits:
        if _is_fall(limit) and limit.action in _STEPS:
            yield str(_STEPS[limit.action]) % {"loss": _fall(limit)}
    for limit in limits:
        if limit.measure is Measure.LEVERAGE:
            yield gettext("Leverage: at most %(times)s×.", times=figure(limit.threshold.value, "#,##0.##"))
        elif limit.measure is Measure.ORDER and limit.threshold.unit is Unit.PERCENT:
            yield gettext("One order: at most %(share)s of your money.", share=share(limit.threshold.value / 100))


def _is_fall(limit: Limit) -> bool:
    return limit.measure is Measure.DRAWDOWN and limit.threshold.unit is Unit.PERCENT


def _fall(limit: Limit) -> str:
    return pct(-limit.threshold.value / 100, digits=0 if limit.threshold.value % 1 == 0 else 1)
