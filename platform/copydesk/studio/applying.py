"""How a trader applies to be copied: with which account, under which name, on which terms. Staff decide."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import text

from copydesk.audit import Actor, record
from copydesk.db import TenantSession
from copydesk.kernel import InvalidInput, Refused, decimal_text
from copydesk.keys import KeyHealth
from copydesk.keys.store import keys_of
from copydesk.replication import NewStrategy, add_strategy
from copydesk.replication.room import require_room_for_strategy
from copydesk.studio.model import OwnStrategy, Status
from copydesk.studio.store import own_strategies, own_strategy
from copydesk.studio.tables import StrategyTerms
from copydesk.studio.terms import Bounds, Terms, require_within, store_terms

NAME_MIN, NAME_MAX = 3, 60
SUMMARY_MIN, SUMMARY_MAX = 10, 280
_SLUG_MAX = 40
# Words that stand behind /studio/ themselves.
_KEPT = frozenset({"apply", "terminal"})
_NOT_WORD = re.compile(r"[^a-z0-9]+")
# One that copies others would have its followers copy a copy.
_TAKEN = text(
    """
    SELECT account_id FROM strategy WHERE account_id = ANY(:ids) AND status <> 'declined'
    UNION SELECT account_id FROM subscription WHERE account_id = ANY(:ids) AND state <> 'ended'
    """
)
_NAMED = text("SELECT 1 FROM strategy WHERE lower(name) = lower(:name) AND id <> :id AND status <> 'closed'")
_ONE_AFTER_THE_OTHER = text("SELECT 1 FROM account WHERE id = :id AND user_id = :user_id FOR NO KEY UPDATE")
_SLUGS = text("SELECT slug FROM strategy WHERE slug = :slug OR slug LIKE :numbered")
_AGAIN = text(
    "UPDATE strategy SET name = :name, summary = :summary, status = 'pending' WHERE id = :id AND status = 'declined'"
)


@dataclass(frozen=True, slots=True)
class Application:
    """What a trader applies with."""

    account_id: int
    name: str
    summary: str
    terms: Terms


def leadable(session: TenantSession, user_id: int, offered: Collection[tuple[str, str]]) -> list[KeyHealth]:
    """Return the accounts that somebody can lead a strategy from.

    Their keys are usable, read and trade; their exchange is one that the brand has (`offered`, as venue and
    environment); and they neither lead nor copy another strategy.
    """
    usable = [one for one in keys_of(session, user_id) if _fit(one) and (one.venue, str(one.environment)) in offered]
    taken = set(session.execute(_TAKEN, {"ids": [one.account_id for one in usable]}).scalars())
    return [one for one in usable if one.account_id not in taken]


def apply(
    session: TenantSession,
    user_id: int,
    application: Application,
    bounds: Bounds,
    offered: Collection[tuple[str, str]],
    *,
    actor: Actor,
    at: datetime,
) -> str:
    """Hand in an application and return the strategy's slug; nobody can copy it before staff approve it.

    One that was rejected for the same account is handed in anew under its old slug; one that waits already is handed in
    once, however often the form comes. Raises `InvalidInput`, whose code is the field's name, and `PlanFull` where the
    brand has room for no more strategies.
    """
    session.execute(_ONE_AFTER_THE_OTHER, {"id": application.account_id, "user_id": user_id})
    if waiting := _waiting(session, user_id, application):
        return waiting
    _require_words(session, application, user_id)
    require_within(application.terms, bounds)
    if application.account_id not in {one.account_id for one in leadable(session, user_id, offered)}:
        raise InvalidInput("account: expected one of your accounts that can lead a strategy", code="account")
    before = _rejected(session, user_id, application.account_id)
    if before is None:
        slug = free_slug(session, application.name)
        new = NewStrategy(
            user_id, application.account_id, slug, application.name, application.summary, str(Status.PENDING)
        )
        strategy_id = add_strategy(session, new)
    else:
        require_room_for_strategy(session)
        slug, strategy_id = before.slug, before.id
        _hand_in_again(session, before.id, application)
    store_terms(session, strategy_id, application.terms, at=at)
    after = {"account_id": application.account_id, **plain_terms(application.terms)}
    record(session, session.tenant_id, actor, "strategy.applied", f"strategy:{strategy_id}", at=at, after=after)
    return slug


def withdraw(session: TenantSession, user_id: int, slug: str, *, actor: Actor, at: datetime) -> None:
    """Take an application back that nobody has decided; raises `NotFound`, and `Refused` once it was."""
    own = own_strategy(session, user_id, slug)
    back = text("UPDATE strategy SET status = 'declined' WHERE id = :id AND status = 'pending' RETURNING id")
    if session.execute(back, {"id": own.id}).scalar() is None:
        raise Refused("This application was decided by now; look at it again.", code="wrong_state")
    record(session, session.tenant_id, actor, "strategy.withdrawn", f"strategy:{own.id}", at=at)


def plain_terms(terms: Terms) -> dict[str, object]:
    """Return terms as the record of acts has them."""
    told = asdict(terms)
    return told | {name: decimal_text(told[name]) for name in ("profit_share", "min_allocation")}


def slug_of(name: str) -> str:
    """Return what of a name can stand in an address: "strategy" for one in other letters. Pure."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = _NOT_WORD.sub("-", plain).strip("-")[:_SLUG_MAX].strip("-")
    return "strategy" if len(slug) < NAME_MIN or slug in _KEPT else slug


def free_slug(session: TenantSession, name: str) -> str:
    """Return the name's slug, numbered where the brand has it already."""
    slug = slug_of(name)
    known = set(session.execute(_SLUGS, {"slug": slug, "numbered": f"{slug}-%"}).scalars())
    if slug not in known:
        return slug
    return next(numbered for n in range(2, len(known) + 3) if (numbered := f"{slug}-{n}") not in known)


def _fit(health: KeyHealth) -> bool:
    scope = health.scope or {}
    trades = scope.get("can_trade", True) or scope.get("can_trade_perpetuals", False)
    return health.usable and scope.get("can_read", True) and trades


def _require_words(session: TenantSession, application: Application, user_id: int) -> None:
    for field, words, least, most in (
        ("name", application.name, NAME_MIN, NAME_MAX),
        ("summary", application.summary, SUMMARY_MIN, SUMMARY_MAX),
    ):
        if not least <= len(words) <= most or not words.isprintable():
            raise InvalidInput(f"{field}: expected {least} to {most} characters on one line", code=field)
    rejected = _rejected(session, user_id, application.account_id)
    bound = {"name": application.name, "id": 0 if rejected is None else rejected.id}
    if session.execute(_NAMED, bound).scalar() is not None:
        raise InvalidInput("name: another strategy here is called that", code="name_taken")


def _waiting(session: TenantSession, user_id: int, application: Application) -> str:
    """Return the slug of this very application where it waits to be decided, "" where it does not."""
    asked = (application.account_id, application.name, application.summary, Status.PENDING)
    mine = own_strategies(session, user_id)
    return next((one.slug for one in mine if (one.account_id, one.name, one.summary, one.status) == asked), "")


def _rejected(session: TenantSession, user_id: int, account_id: int) -> OwnStrategy | None:
    mine = own_strategies(session, user_id)
    return next((one for one in mine if one.account_id == account_id and one.status is Status.DECLINED), None)


def _hand_in_again(session: TenantSession, strategy_id: int, application: Application) -> None:
    session.execute(_AGAIN, {"id": strategy_id, "name": application.name, "summary": application.summary})
    before = session.get(StrategyTerms, (session.tenant_id, strategy_id))
    if before is not None:
        session.delete(before)
        session.flush()
