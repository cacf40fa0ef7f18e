"""Wallets and what is asked of them, in words."""

from __future__ import annotations

from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.venues import TRAITS, Feature, Wallet
from copydesk.wallets import Ask, AskState
from copydesk.web.words import exchange_name

_TONES = {
    AskState.WAITING: "busy",
    AskState.SENDING: "busy",
    AskState.DONE: "ok",
    AskState.REFUSED: "bad",
    AskState.UNKNOWN: "warn",
}


def wallet_name(venue: str, wallet: Wallet) -> str:
    """Name a wallet as its owner knows it; where spot and perpetuals share one, it is the trading account."""
    if wallet is Wallet.FUTURES:
        return str(gettext("Futures"))
    if wallet is Wallet.FUNDING:
        return str(gettext("Funding"))
    shared = TRAITS[venue].unified
    return str(gettext("Trading (spot and futures)") if shared else gettext("Spot"))


def wallets_words(venue: str) -> str:
    """Say how this exchange keeps money apart, and who moves it."""
    exchange = exchange_name(venue)
    if not TRAITS[venue].supports(Feature.KEY_TRANSFER_RIGHT):
        return str(gettext("Money moves between these wallets at once. It never leaves the account."))
    return str(
        gettext(
            "A key that may move money at %(exchange)s may send it elsewhere too, so that we refuse such keys. "
            "Move it at %(exchange)s itself, under Transfer.",
            exchange=exchange,
        )
    )


def ask_tone(ask: Ask) -> str:
    return _TONES[ask.state]


def ask_label(ask: Ask) -> str:
    """Say in one word or two how far something is."""
    labels = {
        AskState.WAITING: gettext("On its way"),
        AskState.SENDING: gettext("On its way"),
        AskState.DONE: gettext("Done"),
        AskState.REFUSED: gettext("Refused"),
        AskState.UNKNOWN: gettext("Unknown"),
    }
    return str(labels[ask.state])


def ask_sentence(venue: str, ask: Ask) -> str:
    """Say what was asked for and what became of it."""
    if ask.transfer is None:
        return _looked(ask)
    told = {
        "amount": f"{ask.transfer.amount.normalize():f} {ask.transfer.currency}",
        "source": wallet_name(venue, ask.transfer.source),
        "target": wallet_name(venue, ask.transfer.target),
    }
    if ask.state is AskState.DONE:
        return str(gettext("%(amount)s moved from %(source)s to %(target)s.", **told))
    if ask.state is AskState.REFUSED:
        said = gettext("%(amount)s not moved from %(source)s to %(target)s.", **told)
        return f"{said} {gettext('The exchange says: %(said)s', said=ask.reason)}" if ask.reason else said
    if ask.state is AskState.UNKNOWN:
        return str(
            gettext(
                "%(amount)s from %(source)s to %(target)s: the exchange did not answer, so nobody knows whether it "
                "moved. It is not sent again. Look at the wallets before you ask anew.",
                **told,
            )
        )
    return str(gettext("%(amount)s is on its way from %(source)s to %(target)s.", **told))


def _looked(ask: Ask) -> str:
    if ask.state is AskState.DONE:
        return str(gettext("Wallets looked at."))
    if ask.state in {AskState.WAITING, AskState.SENDING}:
        return str(gettext("Wallets are being looked at."))
    return str(gettext("The wallets could not be looked at."))
