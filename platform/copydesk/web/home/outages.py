"""What people are told while something is away: the engine, an exchange's prices, the key of an account, the desk.

Each says what is known and from when, what works meanwhile, and what to do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.db import TenantSession
from copydesk.keys import KeyHealth
from copydesk.replication.own_copying import OwnAccount
from copydesk.replication.readiness import Readiness, readiness
from copydesk.web.act_words import place_words
from copydesk.web.format import begun, figure
from copydesk.web.risk.prices import current_prices
from copydesk.web.words import words

# Feeds tell prices several times a second; an exchange that is silent for so long is away, or we are.
SILENT_AFTER = timedelta(seconds=60)
# Wallets are looked at within a few seconds.
ASKED_LATE = timedelta(seconds=20)


@dataclass(frozen=True)
class Outage:
    """One thing that is away: what, and what that means for who reads it. `link` leads to where it is mended."""

    title: str
    text: str
    tone: str = "warn"
    link: str = ""
    label: str = ""


def outages(session: TenantSession, accounts: Sequence[OwnAccount], now: datetime) -> tuple[Outage, ...]:
    """Return what is away of what these accounts copy with, the engine first."""
    copying = [account for account in accounts if account.copies]
    if not copying:
        return ()
    found = _engine(readiness(session, {account.shard for account in copying}))
    return (*found, *silent_exchanges({account.place for account in copying}, now), *_keys(copying))


def outages_ahead(session: TenantSession, accounts: Sequence[OwnAccount], now: datetime) -> tuple[Outage, ...]:
    """Return what is away of what these accounts would copy with; what begins now begins when it is back."""
    if not accounts:
        return ()
    found = _engine(readiness(session, {account.shard for account in accounts}))
    return (*found, *silent_exchanges({account.place for account in accounts}, now))


def outages_of_followers(
    session: TenantSession, account: KeyHealth, shards: Collection[str], now: datetime
) -> tuple[Outage, ...]:
    """Return what keeps a trader's trades from those who copy them: the leader account's key, the engine, prices."""
    found = []
    if not account.usable:
        why = begun(words(account.reason, {"exchange": account.venue})) if account.reason else ""
        found.append(
            Outage(
                gettext("Your trades are not copied"),
                " ".join(
                    [gettext("This account's key does not work, so that nobody sees what it trades."), why]
                ).strip(),
                "bad",
                f"/keys/{account.account_id}",
                gettext("Look after this key"),
            )
        )
    ready = readiness(session, shards) if shards else Readiness()
    if ready.engine_away:
        waiting = figure(_seconds(ready.waiting_s), "#,##0", unit="s")
        told = gettext(
            "The engine has not answered for %(waiting)s. What you close is closed for your followers once it is back; "
            "what you open is skipped if it is too old by then. Your own account is not affected.",
            waiting=waiting,
        )
        found.append(Outage(gettext("Copies of your trades are delayed"), told, "bad"))
    return (*found, *silent_exchanges({f"{account.venue}-{account.environment}"}, now))


def _engine(ready: Readiness) -> list[Outage]:
    found = []
    if ready.engine_away:
        waiting = figure(_seconds(ready.waiting_s), "#,##0", unit="s")
        found.append(
            Outage(
                gettext("Copying is delayed"),
                gettext(
                    "The engine has not answered for %(waiting)s. Nothing is lost: what you stop or change here is "
                    "stored now and done as soon as it is back. Trades that are too old by then are skipped, and "
                    "closing orders still go through.",
                    waiting=waiting,
                ),
                "bad",
            )
        )
    if ready.watch_away:
        found.append(
            Outage(
                gettext("Limits are not watched at this moment"),
                gettext(
                    "Stops that depend on prices act again as soon as the watch is back. Stops that rest at your "
                    "exchange work meanwhile."
                ),
                "bad",
            )
        )
    return found


def outages_of_wallets(places: Iterable[str], asked_at: datetime | None, now: datetime) -> tuple[Outage, ...]:
    """Return what keeps wallets from being looked at; `asked_at` is when the oldest asking that waits was made."""
    found = silent_exchanges(places, now)
    if asked_at is not None and now - asked_at > ASKED_LATE:
        waiting = figure(_seconds((now - asked_at).total_seconds()), "#,##0", unit="s")
        told = gettext(
            "It has waited for %(waiting)s, is stored, and is done as soon as the exchange can be asked; "
            "a transfer is sent once, never twice. What stands here is as it was seen last.",
            waiting=waiting,
        )
        found.append(Outage(gettext("What you asked of your wallets still waits"), told))
    return tuple(found)


def silent_exchanges(places: Iterable[str], now: datetime) -> list[Outage]:
    """Return the exchanges of which no price has come for a while."""
    return [
        Outage(
            gettext("%(exchange)s is silent", exchange=place_words(feed.place)),
            gettext(
                "No price has come from there for %(age)s. Figures that depend on prices are as of then, and orders "
                "may be refused or late.",
                age=figure(_seconds((now - feed.newest_at).total_seconds()), "#,##0", unit="s"),
            ),
        )
        for feed in current_prices().feeds(places, now)
        if now - feed.newest_at > SILENT_AFTER
    ]


def _keys(accounts: Iterable[OwnAccount]) -> list[Outage]:
    return [
        Outage(
            gettext("%(account)s needs a working key", account=account.label),
            begun(words(account.reason, {"exchange": account.venue})) if account.reason else "",
            "bad",
            f"/keys/{account.id}",
            gettext("Look after this key"),
        )
        for account in accounts
        if not account.usable or account.reason
    ]


def _seconds(value: float) -> Decimal:
    return Decimal(round(value))
