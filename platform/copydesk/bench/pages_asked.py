"""Which pages are measured, as whom, and with what in their address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import text

from copydesk.bench.pages_people import FOLLOWER, MEASURED, TRADER
from copydesk.db import TenantSession

_OWN = text(
    """
    SELECT s.id, s.strategy_id FROM subscription s
    JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id AND a.label = 'Main'
    WHERE s.state = 'synced' ORDER BY s.strategy_id
    """
)
_HALFWAY = text(
    "SELECT s.id FROM subscription s JOIN account a ON a.tenant_id = s.tenant_id AND a.id = s.account_id "
    "JOIN user_account u ON u.tenant_id = a.tenant_id AND u.id = a.user_id AND u.email = :email "
    "WHERE s.state <> 'ended' ORDER BY s.id OFFSET :half LIMIT 1"
)
# Answers about the past are kept for a minute: nobody asks for the same amount twice. Each is enough for every order.
_AMOUNTS = range(9_700, 9_900)
# The past has to be read and made ready, which is kept for a minute for everybody who asks.
_FIRST = "copy, the live preflight, nobody asked before"
_ACCOUNT = text("SELECT id FROM account WHERE label = :label")
_NEWEST = text("SELECT max(id) FROM signal WHERE strategy_id = :id")
_NOTICE = text("SELECT id FROM notice ORDER BY id OFFSET :half LIMIT 1")


class Page(NamedTuple):
    """One page by its name in tables; asked as the person of this token at these addresses in turn.

    Before one that is asked `anew` the site forgets what it keeps for a minute.
    """

    name: str
    visitor: str
    paths: tuple[str, ...]
    anew: bool = False


def pages_of(session: TenantSession, *, notices: int, subscriptions: int) -> list[Page]:
    """Return every page that is measured, with numbers that are in the database."""
    own = session.execute(_OWN).all()
    some = [own[place].id for place in sorted({0, 1, len(own) // 2, len(own) - 1})]
    account, led = _number(session, _ACCOUNT, label="Idle"), _number(session, _ACCOUNT, label="Trader 1")
    newest = _number(session, _NEWEST, id=own[0].strategy_id)
    followers = {
        "home": ("/home",),
        "home, its live part": ("/home/now",),
        "home, halfway": (
            f"/home?before={_number(session, _HALFWAY, email=_mail(FOLLOWER), half=subscriptions // 2)}",
        ),
        "home, paused ones": ("/home?state=paused",),
        "activity": ("/activity",),
        "activity, its live part": ("/activity/now",),
        "activity, page 50": (f"/activity?before={_page_50(newest, subscriptions)}",),
        "activity, skipped": ("/activity?outcome=skipped",),
        "activity, failed": ("/activity?outcome=failed",),
        "activity of one subscription": tuple(f"/activity?subscription={one}" for one in some),
        "a receipt": (f"/activity/{newest}",),
        **_of_subscriptions(some),
        "stop everything": ("/copying/stop-everything",),
        "wallets": ("/wallets",),
        "keys": ("/keys",),
        "notices": ("/notices",),
        "notices, halfway": (f"/notices?before={_number(session, _NOTICE, half=notices // 2)}",),
        "notices of one kind": ("/notices?kind=copy_skipped",),
        "notices, what became of them": ("/notices/log",),
        "watching": ("/watching",),
        "strategy page": (f"/strategies/{MEASURED}",),
        **_of_beginning(account),
    }
    traders = {
        "studio": ("/studio",),
        "studio, one strategy": (f"/studio/{MEASURED}",),
        "studio, signals": (f"/studio/{MEASURED}/signals",),
        "studio, older signals": (f"/studio/{MEASURED}/signals?before={newest // 2}",),
        "studio, manage": (f"/studio/{MEASURED}/manage",),
        "one signal's copies": (f"/desk/{newest}",),
        "terminal": (f"/terminal/{led}",),
        "terminal, its live part": (f"/terminal/{led}/now",),
        "terminal, history": (f"/terminal/{led}/history",),
    }
    return [*_asked(FOLLOWER, followers), *_asked(TRADER, traders)]


def _of_subscriptions(some: list[int]) -> Mapping[str, tuple[str, ...]]:
    """Return the pages of single subscriptions, each of some of them in turn."""
    names = {"one subscription": "", "one subscription, its live part": "/now", "stop one subscription": "/stop"}
    names |= {"allocation": "/allocation", "limits": "/limits"}
    return {name: tuple(f"/copying/{one}{rest}" for one in some) for name, rest in names.items()}


def _of_beginning(account: int) -> Mapping[str, tuple[str, ...]]:
    """Return the steps of beginning to copy."""
    root = f"/strategies/{MEASURED}/copy"

    def each(path: str, begun: int = 0) -> tuple[str, ...]:
        return tuple(f"{path}account={account}&profile=balanced&amount={begun + amount}" for amount in _AMOUNTS)

    return {
        "copy, step 1": (root,),
        "copy, step 2": each(f"{root}?check=1&"),
        "copy, the live preflight": each(f"{root}/preflight?", 1_000),
        # Who comes to the last step has just been told what these very terms would have meant.
        "copy, step 3": each(f"{root}/review?", 1_000),
        _FIRST: each(f"{root}/preflight?", 2_000),
    }


def _asked(visitor: str, pages: Mapping[str, tuple[str, ...]]) -> list[Page]:
    return [Page(name, visitor, paths, anew=name == _FIRST) for name, paths in pages.items()]


def _page_50(newest: int, subscriptions: int) -> str:
    """Return a cursor about 49 pages of 25 receipts back."""
    return f"{max(newest - 49 * 25, subscriptions)}-0"


def _mail(name: str) -> str:
    return f"{name}@bench.invalid"


def _number(session: TenantSession, query: object, **keys: object) -> int:
    return int(session.execute(query, keys).scalar_one())  # type: ignore[call-overload]
