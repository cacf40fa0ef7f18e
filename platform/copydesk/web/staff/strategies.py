"""Strategies as their reviewers see them: applications first, each with its account and terms; approved, or not."""

from __future__ import annotations

from collections.abc import Callable

from flask import request
from werkzeug.wrappers import Response as AnyResponse

from copydesk.db import TenantSession
from copydesk.identity.access import Permission
from copydesk.kernel import Refused
from copydesk.keys.store import key_of
from copydesk.studio.model import OwnStrategy
from copydesk.studio.reviewing import REASON_MAX, approve, go_live, let_go_on, probation_ends, reject
from copydesk.studio.settings import PROBATION_DAYS
from copydesk.studio.store import reviewed_strategies, strategy_named
from copydesk.studio.terms import bounds_of, terms_of
from copydesk.tenancy import setting_value
from copydesk.web.access import needs
from copydesk.web.asking import go, transaction
from copydesk.web.clock import current_time
from copydesk.web.keys.key_words import may_words, place_name, standing
from copydesk.web.page import render
from copydesk.web.site import current_site
from copydesk.web.staff.blueprint import staff
from copydesk.web.studio.studio_words import positions_words, refused_words
from copydesk.web.visitor import current_actor

_HERE = "/staff/strategies"
_UNPROCESSABLE = 422


@staff.get("/strategies")
@needs(Permission.STRATEGIES_REVIEW)
def strategies() -> str:
    with transaction() as session:
        found = reviewed_strategies(session)
    return render("staff/strategies.html", strategies=found, place_name=place_name)


@staff.get("/strategies/<slug>")
@needs(Permission.STRATEGIES_REVIEW)
def strategy(slug: str) -> str:
    return _page(slug, "", {})


@staff.post("/strategies/<slug>/approve")
@needs(Permission.STRATEGIES_REVIEW, fresh=True)
def approve_strategy(slug: str) -> AnyResponse | tuple[str, int]:
    tenant = current_site().tenant
    return _done(slug, lambda session, one: approve(session, tenant, one, actor=current_actor(), at=current_time()))


@staff.post("/strategies/<slug>/reject")
@needs(Permission.STRATEGIES_REVIEW, fresh=True)
def reject_strategy(slug: str) -> AnyResponse | tuple[str, int]:
    reason = request.form.get("reason", "").replace("\0", "")
    return _done(
        slug, lambda session, one: reject(session, one, reason, actor=current_actor(), at=current_time()), reason
    )


@staff.post("/strategies/<slug>/live")
@needs(Permission.STRATEGIES_REVIEW, fresh=True)
def make_live(slug: str) -> AnyResponse | tuple[str, int]:
    """End a strategy's probation before its time."""
    return _done(slug, lambda session, one: go_live(session, one, actor=current_actor(), at=current_time()))


@staff.post("/strategies/<slug>/resume")
@needs(Permission.STRATEGIES_REVIEW, fresh=True)
def resume_suspended(slug: str) -> AnyResponse | tuple[str, int]:
    """Let a suspended strategy open again."""
    return _done(slug, lambda session, one: let_go_on(session, one, actor=current_actor(), at=current_time()))


def _done(
    slug: str, act: Callable[[TenantSession, OwnStrategy], object], reason: str = ""
) -> AnyResponse | tuple[str, int]:
    try:
        with transaction() as session:
            act(session, strategy_named(session, slug))
    except Refused as refusal:
        if refusal.code not in {"wrong_state", "reason"}:
            raise
        field = "reason" if refusal.code == "reason" else ""
        return _page(slug, reason, {field: refused_words(refusal)}), _UNPROCESSABLE
    return go(f"{_HERE}/{slug}")


def _page(slug: str, reason: str, errors: dict[str, str]) -> str:
    tenant = current_site().tenant
    with transaction() as session:
        found = strategy_named(session, slug)
        health = key_of(session, found.trader_id, found.account_id)
        terms = terms_of(session, found.id, tenant)
    return render(
        "staff/strategy.html",
        found=found,
        health=health,
        key_standing=standing(health, current_time()),
        rights=may_words(health.scope),
        terms=terms,
        bounds=bounds_of(tenant),
        ends=probation_ends(found, tenant),
        days=setting_value(tenant, PROBATION_DAYS, int),
        positions_words=positions_words,
        place_name=place_name,
        reason=reason,
        reason_max=REASON_MAX,
        errors=errors,
    )
