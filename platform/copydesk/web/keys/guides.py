"""How a key is made at each exchange: numbered steps in the words of its own pages, rights to tick and to leave.

Names of rights and menus stand as the exchange's English pages have them; the sentences around them are translated.
Sources: the exchanges' help pages on creating API keys, and on keys whose public half the owner brings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask_babel import lazy_gettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

_READ = lazy_gettext("to see balances, positions and what became of orders")
_SPOT = lazy_gettext("to copy trades on the spot market")
_PERPETUALS = lazy_gettext("to copy trades in perpetuals; leave it out where you copy none")
_BOTH = lazy_gettext("to place and cancel the copied orders")
_OUT = lazy_gettext("takes money out of your account")
_AWAY = lazy_gettext("moves money to other accounts")
_LEND = lazy_gettext("borrows money")


@dataclass(frozen=True)
class Right:
    """A right by the exchange's name, and what it is for."""

    name: str
    why: LazyString


@dataclass(frozen=True)
class Guide:
    """What somebody does at one exchange. `steps` are for a key with a secret, `pair_steps` for a pair of ours.

    `trade` names the rights whose lack is meant by "this key may not trade". `notes` are told beside the addresses.
    """

    steps: tuple[LazyString, ...]
    tick: tuple[Right, ...]
    leave: tuple[Right, ...]
    trade: str
    pair_steps: tuple[LazyString, ...] = ()
    notes: tuple[LazyString, ...] = ()


GUIDES: Mapping[str, Guide] = {
    "binance": Guide(
        steps=(
            lazy_gettext(
                "Open Binance in a browser, click your profile picture and choose “Account”, “API Management”."
            ),
            lazy_gettext("Click “Create API”, choose “System generated”, and give the key a name that you will know."),
            lazy_gettext("Confirm with your passkey, authenticator app and e-mail, as Binance asks."),
            lazy_gettext("Click “Edit restrictions”. Tick what is listed below, and leave everything else as it is."),
            lazy_gettext(
                "Under “IP access restrictions” choose “Restrict access to trusted IPs only”, paste the "
                "addresses and click “Confirm”."
            ),
            lazy_gettext("Click “Save”. Copy “API Key” and “Secret Key”: Binance shows the secret this once."),
        ),
        pair_steps=(
            lazy_gettext(
                "Open Binance in a browser, click your profile picture and choose “Account”, “API Management”."
            ),
            lazy_gettext("Click “Create API” and choose “Self-generated”."),
            lazy_gettext("Paste the public key below into “Public Key”, all lines of it, and give the key a name."),
            lazy_gettext("Click “Edit restrictions”. Tick what is listed below, and leave everything else as it is."),
            lazy_gettext(
                "Under “IP access restrictions” choose “Restrict access to trusted IPs only”, paste the "
                "addresses and click “Confirm”."
            ),
            lazy_gettext("Click “Save”, and copy “API Key”. There is no secret: it never leaves us."),
        ),
        tick=(
            Right("Enable Reading", _READ),
            Right("Enable Spot & Margin Trading", _SPOT),
            Right("Enable Futures", _PERPETUALS),
        ),
        leave=(
            Right("Enable Withdrawals", _OUT),
            Right("Permits Universal Transfer", _AWAY),
            Right("Enable Internal Transfer", _AWAY),
            Right("Enable Margin Loan, Repay & Transfer", _LEND),
        ),
        trade="Enable Spot & Margin Trading",
        notes=(
            lazy_gettext(
                "Binance allows “Enable Futures” once a futures account is open, and only for keys made afterwards."
            ),
            lazy_gettext("Binance ends the right to trade of a key without addresses after 90 days."),
        ),
    ),
    "okx": Guide(
        steps=(
            lazy_gettext("Open OKX in a browser, point at your profile picture and choose “API”."),
            lazy_gettext("Click “Create API key” and choose “API trading” as its purpose."),
            lazy_gettext(
                "Give it a name, and choose a passphrase for this key alone. Keep it: you enter it here, and OKX "
                "never shows it again."
            ),
            lazy_gettext("Under “Permissions” tick what is listed below."),
            lazy_gettext("Paste the addresses into “IP address”."),
            lazy_gettext("Click “Confirm”. Copy “API key” and “Secret key”: OKX shows the secret this once."),
        ),
        tick=(Right("Read", _READ), Right("Trade", _BOTH)),
        leave=(Right("Withdraw", _OUT),),
        trade="Trade",
        notes=(
            lazy_gettext("OKX deletes a key without addresses that was not used for 14 days."),
            lazy_gettext(
                "To copy perpetuals, the account mode must be “Futures mode” or higher: “Trade”, “Settings”, "
                "“Account mode”."
            ),
        ),
    ),
    "bybit": Guide(
        steps=(
            lazy_gettext("Open Bybit in a browser, point at your profile picture and choose “API”."),
            lazy_gettext("Click “Create New Key”, then “System-generated API Keys”."),
            lazy_gettext("Choose “API Transaction”, give the key a name, and choose “Read-Write”."),
            lazy_gettext(
                "Choose “Only IPs with permissions granted are allowed to access the OpenAPI” and paste the addresses."
            ),
            lazy_gettext("Tick what is listed below, and nothing else."),
            lazy_gettext(
                "Click “Submit” and confirm. Copy “API Key” and “API Secret”: Bybit shows the secret this once."
            ),
        ),
        pair_steps=(
            lazy_gettext("Open Bybit in a browser, point at your profile picture and choose “API”."),
            lazy_gettext("Click “Create New Key”, then “Self-generated API Keys”."),
            lazy_gettext("Give the key a name, choose “Read-Write”, and paste the public key below, all lines of it."),
            lazy_gettext(
                "Choose “Only IPs with permissions granted are allowed to access the OpenAPI” and paste the addresses."
            ),
            lazy_gettext("Tick what is listed below, and nothing else."),
            lazy_gettext("Click “Submit” and confirm. Copy “API Key”. There is no secret: it never leaves us."),
        ),
        tick=(
            Right("Unified Trading: Orders", _BOTH),
            Right("Unified Trading: Positions", _PERPETUALS),
            Right("SPOT: Trade", _SPOT),
        ),
        leave=(
            Right("Assets: Withdrawal", _OUT),
            Right("Assets: Subaccount Transfer", _AWAY),
            Right("Earn", lazy_gettext("ties money up in other products")),
        ),
        trade="SPOT: Trade",
        notes=(
            lazy_gettext(
                "Bybit ends a key without addresses after 90 days, and every key soon after you change your password."
            ),
            lazy_gettext("Your account must be a unified trading account."),
        ),
    ),
    "bitget": Guide(
        steps=(
            lazy_gettext("Open Bitget in a browser, point at your profile picture and choose “API keys”."),
            lazy_gettext("Click “Create API key”, then “System-generated API keys”."),
            lazy_gettext(
                "Give it a note, and choose a passphrase for this key alone. Keep it: you enter it here, and "
                "Bitget never shows it again."
            ),
            lazy_gettext("Paste the addresses into “Bind IP address”."),
            lazy_gettext("Choose “Read-write”, tick what is listed below, and nothing else."),
            lazy_gettext(
                "Click “Next” and confirm. Copy “API key” and “Secret key”: Bitget shows the secret this once."
            ),
        ),
        pair_steps=(
            lazy_gettext("Open Bitget in a browser, point at your profile picture and choose “API keys”."),
            lazy_gettext("Click “Create API key”, then “User-generated API keys”."),
            lazy_gettext(
                "Paste the public key below, all lines of it. Give it a note, and choose a passphrase for this "
                "key alone."
            ),
            lazy_gettext("Paste the addresses into “Bind IP address”."),
            lazy_gettext("Choose “Read-write”, tick what is listed below, and nothing else."),
            lazy_gettext("Click “Next” and confirm. Copy “API key”. There is no secret: it never leaves us."),
        ),
        tick=(
            Right("Spot: Trade", _SPOT),
            Right("Futures: Orders", _PERPETUALS),
            Right("Futures: Holdings", _PERPETUALS),
        ),
        leave=(Right("Withdraw", _OUT), Right("Transfer", _AWAY)),
        trade="Spot: Trade",
        notes=(
            lazy_gettext("In a unified account the rights are called “UTA trade” and “UTA management”: tick both."),
        ),
    ),
}
