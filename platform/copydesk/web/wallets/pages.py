"""The wallets of a person's exchange accounts: shown as they were last seen, looked at anew, moved between.

What is asked for here is stored and done by the role that holds keys, so that this page never waits for an exchange.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from flask import Response, request
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.identity.access import Permission
from copydesk.kernel import InvalidInput, NotFound, Refused
from copydesk.keys import WAITS, KeyHealth, publish_to
from copydesk.keys.store import key_of, keys_of
from copydesk.venues import TRAITS, Feature, Wallet
from copydesk.wallets import (
    Ask,
    AskState,
    Transfer,
    WalletBalance,
    ask_look,
    ask_transfer,
    asks_of,
    balances_of,
    newest_transfer,
)
from copydesk.wallets.model import AMOUNT_PLACES, OPEN
from copydesk.web.access import needs
from copydesk.web.asking import UNPROCESSABLE, go, own_id, row_number, runtime, transaction
from copydesk.web.clock import current_time
from copydesk.web.home.outages import outages_of_wallets
from copydesk.web.keys.key_words import place_name
from copydesk.web.page import render
from copydesk.web.returning import keeps, typed_before
from copydesk.web.visitor import current_actor
from copydesk.web.wallets.blueprint import HOME, wallets
from copydesk.web.wallets.wallet_words import ask_label, ask_sentence, ask_tone, wallet_name, wallets_words

_FIELDS = ("currency", "amount", "source", "target")
_CHARS_MAX = 40
_NUMBER_MAX = Decimal(10) ** (38 - AMOUNT_PLACES)
_OVER = 286  # htmx asks no more.


@dataclass(frozen=True)
class Purse:
    """One account as the page shows it."""

    account: KeyHealth
    balances: list[WalletBalance]
    asks: list[Ask]

    @property
    def wallets(self) -> list[Wallet]:
        return sorted(TRAITS[self.account.venue].wallets, key=list(Wallet).index)

    @property
    def currencies(self) -> list[str]:
        return sorted({one.currency for one in self.balances if one.free})

    @property
    def moves(self) -> bool:
        """Tell whether keys that we take can move money between these wallets."""
        return not TRAITS[self.account.venue].supports(Feature.KEY_TRANSFER_RIGHT)

    @property
    def busy(self) -> bool:
        return any(ask.state in OPEN for ask in self.asks)

    @property
    def told(self) -> list[Ask]:
        """Return what is worth telling: every transfer, and a look as long as it goes on or where it failed."""
        newest = self.asks[:1]
        return [ask for ask in self.asks if ask.transfer or (ask in newest and ask.state is not AskState.DONE)]


@wallets.get("")
@needs(Permission.KEYS_OWN)
def listing() -> str:
    return render("wallets/list.html", **_values(_purses()))


@wallets.get("/now")
@needs(Permission.KEYS_OWN)
def listing_now() -> tuple[str, int]:
    """Give the page its wallets anew, without the page around them."""
    purses = _purses()
    return render("partials/wallets.html", **_values(purses)), 200 if any(one.busy for one in purses) else _OVER


@wallets.post("/<int:account_id>/look")
@needs(Permission.KEYS_OWN)
def look(account_id: int) -> Response:
    """Have an account's wallets looked at anew."""
    with transaction() as session:
        key_of(session, own_id(), account_id)
        ask_look(session, account_id, at=current_time())
    return _asked()


@wallets.get("/<int:account_id>/move")
@needs(Permission.KEYS_OWN, fresh=True)
def move_form(account_id: int) -> str:
    return _form(_purse(account_id), dict(typed_before()), {})


@wallets.post("/<int:account_id>/move")
@needs(Permission.KEYS_OWN, fresh=True)
@keeps(*_FIELDS)
def move(account_id: int) -> Response | tuple[str, int]:
    """Ask for money to be moved between two wallets of an account."""
    purse = _purse(account_id)
    typed = {name: request.form.get(name, "")[:_CHARS_MAX].strip() for name in _FIELDS}
    problems = _problems(typed)
    amount = _number(typed["amount"])
    if not problems and amount is not None:
        wanted = Transfer(typed["currency"].upper(), amount, Wallet(typed["source"]), Wallet(typed["target"]))
        try:
            with transaction() as session:
                kept, actor = TRAITS[purse.account.venue].wallets, current_actor()
                ask_transfer(session, account_id, wanted, kept, after=_after(), actor=actor, at=current_time())
            return _asked()
        except (InvalidInput, Refused) as error:
            problems = _refused(error)
    return _form(purse, typed, problems), UNPROCESSABLE


def _asked() -> Response:
    publish_to(runtime().redis_url, WAITS)
    return go(HOME)


def _purses() -> list[Purse]:
    with transaction() as session:
        accounts = [one for one in keys_of(session, own_id()) if one.connected]
        ids = [one.account_id for one in accounts]
        seen, asked = balances_of(session, ids), asks_of(session, ids)
    return [
        Purse(one, seen.get(one.account_id, []), [ask for ask in asked if ask.account_id == one.account_id])
        for one in accounts
    ]


def _purse(account_id: int) -> Purse:
    """Return an account whose money we can move; raises `NotFound` for any other."""
    with transaction() as session:
        purse = Purse(key_of(session, own_id(), account_id), balances_of(session, [account_id]).get(account_id, []), [])
    if not purse.moves or not purse.account.connected:
        raise NotFound("There is no such exchange account.")
    return purse


def _values(purses: list[Purse]) -> dict[str, object]:
    waiting = [ask.made_at for one in purses for ask in one.asks if ask.state in OPEN]
    places = {f"{one.account.venue}-{one.account.environment}" for one in purses}
    return {
        "outages": outages_of_wallets(places, min(waiting, default=None), current_time()),
        "purses": purses,
        "busy": any(one.busy for one in purses),
        "place_name": place_name,
        "wallets_words": wallets_words,
        "wallet_name": wallet_name,
        "ask_sentence": ask_sentence,
        "ask_label": ask_label,
        "ask_tone": ask_tone,
    }


def _form(purse: Purse, typed: dict[str, str], problems: dict[str, str]) -> str:
    first, second = (*purse.wallets, *purse.wallets)[:2]
    values = {"currency": "", "amount": "", "source": str(first), "target": str(second)} | typed
    names = [(str(wallet), wallet_name(purse.account.venue, wallet)) for wallet in purse.wallets]
    coins = [(coin, coin) for coin in purse.currencies]
    with transaction() as session:
        after, _ = newest_transfer(session, purse.account.account_id)
    more = {"names": names, "coins": coins, "place_name": place_name, "after": after}
    return render("wallets/move.html", purse=purse, values=values, errors=problems, **more)


def _problems(typed: dict[str, str]) -> dict[str, str]:
    known = set(map(str, Wallet))
    found = {name: gettext("Choose a wallet.") for name in ("source", "target") if typed[name] not in known}
    if not typed["currency"].isalnum():
        found["currency"] = gettext("Choose a currency.")
    if _number(typed["amount"]) is None:
        found["amount"] = gettext("Enter an amount above zero.")
    return found


def _after() -> int:
    """Return the newest transfer that the form knew of; what is no number knows of none."""
    return row_number(request.form.get("after", "")) or 0


def _number(text: str) -> Decimal | None:
    """Return an amount above zero that a column can hold; None for anything else."""
    try:
        found = Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None
    exponent = found.as_tuple().exponent
    sound = isinstance(exponent, int) and exponent >= -AMOUNT_PLACES and 0 < found < _NUMBER_MAX
    return found if sound else None


def _refused(error: InvalidInput | Refused) -> dict[str, str]:
    """Say at the field what is wrong, in the reader's language."""
    sentences = {
        "amount": gettext("That is more than lies there. Look again, then enter less."),
        "source": gettext("This exchange keeps no such wallet of its own."),
        "target": gettext("Choose another wallet than the one it comes from."),
    }
    if error.code == "transfer_meanwhile":
        told = gettext("Another transfer was asked for meanwhile. Look at it under wallets, then send this one again.")
        return {"": told}
    place = str(error).partition(":")[0]
    if place in sentences:
        return {place: sentences[place]}
    return {"amount": gettext("Several transfers wait already. Wait until one is done.")}
