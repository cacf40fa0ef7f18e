"""What somebody fills in to copy a strategy: kept as text for the form, read as terms, each mistake at its field."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal, InvalidOperation
from typing import TypeVar
from urllib.parse import urlencode

from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.kernel import decimal_text
from copydesk.replication import NewSubscription
from copydesk.risk.profiles import Profile
from copydesk.trading import CopyMode, JoinMode, SizePolicy, SizingMode
from copydesk.web.format import money
from copydesk.whatif import AMOUNT_MAX

SIZINGS = (SizingMode.EQUITY_RATIO, SizingMode.MULTIPLIER, SizingMode.FIXED_NOTIONAL)
_TEXT_LEN_MAX = 40
_CENT = Decimal("0.01")
# "1,000" is a thousand to one reader and one to another; "0,500" is half to both.
_TWO_MEANINGS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?:\.\d{3})+(?:,\d+)?")

T = TypeVar("T", bound=str)


@dataclass(frozen=True)
class Asked:
    """The form as text; what is empty was not filled in."""

    account: str = ""
    amount: str = ""
    profile: str = ""
    sizing: str = SizingMode.EQUITY_RATIO.value
    value: str = ""
    join: str = JoinMode.IGNORE.value
    small: str = SizePolicy.SKIP.value
    leverage: str = ""
    copies: str = CopyMode.FILLS.value

    def address(self, path: str) -> str:
        """Return the address of a page with everything that is filled in."""
        return f"{path}?{urlencode({name: text for name, text in asdict(self).items() if text})}"

    @property
    def advanced(self) -> bool:
        """Tell whether something of the closed part is not the usual."""
        usual = Asked(self.account, self.amount, self.profile)
        return self != usual


@dataclass(frozen=True)
class Offer:
    """What the form offers: accounts by number, profiles, the least amount, the highest leverage (0 on spot)."""

    accounts: Collection[int]
    profiles: Collection[Profile]
    amount_min: Decimal
    leverage_max: int
    currency: str


@dataclass(frozen=True)
class Chosen:
    """The terms on which somebody wants to copy; amounts in the brand's quote currency."""

    account_id: int
    amount: Decimal
    profile: Profile | None
    sizing: SizingMode
    value: Decimal | None
    join: JoinMode
    small: SizePolicy
    leverage: int | None
    copies: CopyMode

    def subscription(self, strategy_id: int) -> NewSubscription:
        """Return it as what replication begins."""
        return NewSubscription(
            strategy_id=strategy_id,
            account_id=self.account_id,
            allocation=self.amount,
            sizing_mode=self.sizing,
            sizing_value=self.value,
            join_mode=self.join,
            size_policy=self.small,
            leverage_max=self.leverage,
            copies=self.copies,
        )


def asked_of(args: Mapping[str, str], usual: Asked) -> Asked:
    """Read what was filled in; a field that was not sent is the usual."""
    given = {part.name: args[part.name].strip()[:_TEXT_LEN_MAX] for part in fields(Asked) if part.name in args}
    return replace(usual, **given)


def read_terms(asked: Asked, offer: Offer) -> tuple[Chosen | None, dict[str, str]]:
    """Read the form; None with one sentence for each field that is wrong."""
    errors: dict[str, str] = {}
    account = _account(asked.account, offer, errors)
    amount = _amount(asked.amount, offer, errors)
    sizing = _one_of(asked.sizing, SIZINGS, SizingMode.EQUITY_RATIO)
    value = _value(asked.value, sizing, errors)
    profile = _profile(asked.profile, offer, errors)
    if errors or account is None or amount is None:
        return None, errors
    return (
        Chosen(
            account_id=account,
            amount=amount,
            profile=profile,
            sizing=sizing,
            value=value,
            join=_one_of(asked.join, tuple(JoinMode), JoinMode.IGNORE),
            small=_one_of(asked.small, tuple(SizePolicy), SizePolicy.SKIP),
            leverage=_leverage(asked.leverage, offer.leverage_max),
            copies=_one_of(asked.copies, tuple(CopyMode), CopyMode.FILLS),
        ),
        {},
    )


def number_of(text: str) -> Decimal | None:
    """Read a number as people write it: with a point or a comma, spaces or signs between thousands; None for others.

    What can mean two amounts ("1,000") is none: nobody guesses with money.
    """
    plain = "".join(text.split()).replace("\u066b", ".").replace("\u066c", "").replace("'", "").replace("’", "")
    if _TWO_MEANINGS.fullmatch(plain):
        return None
    if _GROUPED.fullmatch(plain):
        last = max(plain.rfind(","), plain.rfind("."))
        decimals = plain.count(plain[last]) == 1
        whole, part = (plain[:last], plain[last + 1 :]) if decimals else (plain, "")
        plain = "".join(sign for sign in whole if sign.isdigit()) + (f".{part}" if part else "")
    try:
        number = Decimal(plain.replace(",", "."))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _account(text: str, offer: Offer, errors: dict[str, str]) -> int | None:
    found = next((one for one in offer.accounts if str(one) == text), None)
    if found is None:
        errors["account"] = gettext("Choose the exchange account that is to copy.")
    return found


def _amount(text: str, offer: Offer, errors: dict[str, str]) -> Decimal | None:
    number = number_of(text)
    if _TWO_MEANINGS.fullmatch("".join(text.split())):
        plain = re.sub(r"\D", "", text)
        sentence = gettext(
            "“%(text)s” can mean two amounts. Write %(plain)s, or with two decimals.", text=text, plain=plain
        )
    elif number is None or number < _CENT:
        sentence = gettext("Enter an amount above zero.")
    elif number > AMOUNT_MAX:
        sentence = gettext("Enter at most %(amount)s.", amount=money(AMOUNT_MAX, offer.currency))
    elif number != number.quantize(_CENT):
        sentence = gettext("Enter an amount with at most two decimals.")
    elif number < offer.amount_min:
        sentence = gettext(
            "The trader asks for at least %(amount)s. Enter that or more.",
            amount=money(offer.amount_min, offer.currency),
        )
    else:
        return number
    errors["amount"] = sentence
    return None


def _value(text: str, sizing: SizingMode, errors: dict[str, str]) -> Decimal | None:
    if sizing is SizingMode.EQUITY_RATIO:
        return None
    number = number_of(text)
    if number is None or not _CENT <= number <= AMOUNT_MAX:
        errors["value"] = gettext("Enter a factor or an amount above zero.")
        return None
    return number


def _profile(text: str, offer: Offer, errors: dict[str, str]) -> Profile | None:
    if not offer.profiles:
        return None
    found = next((one for one in offer.profiles if one.value == text), None)
    if found is None:
        errors["profile"] = gettext("Choose how much you dare.")
    return found


def _leverage(text: str, most: int) -> int | None:
    """Read a bound of one's own; one that could not be chosen is none."""
    return int(text) if text in {str(one) for one in leverages(most)} else None


def leverages(most: int) -> list[int]:
    """Return the bounds on leverage that are offered, up to what the site allows."""
    return [one for one in (1, 2, 3, 5, 10, 20, 50, 100) if one < most]


def _one_of(text: str, offered: tuple[T, ...], usual: T) -> T:
    """Return what was chosen; what nobody could have chosen is the usual."""
    return next((one for one in offered if str(one) == text), usual)


def kept(asked: Asked, amount: Decimal) -> Asked:
    """Return the form with an amount written plainly, as the next page sends it."""
    return replace(asked, amount=decimal_text(amount))
