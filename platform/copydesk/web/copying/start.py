"""From a strategy to a running copy in three steps: choose it, amount and risk, confirm.

All but the last page are read by their address, so that going back, reloading and signing in again lose nothing. What
is confirmed is begun once, however often the form arrives (`replication.begin`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response, make_response, request

from copydesk.audit import record
from copydesk.identity.access import Permission
from copydesk.kernel import NotFound, Refused
from copydesk.keys import WAITS, publish_to
from copydesk.replication.begin import begin_copying, rehearse
from copydesk.replication.own_copying import own_accounts
from copydesk.web.access import needs
from copydesk.web.asking import UNPROCESSABLE, go, own_id, runtime, transaction
from copydesk.web.clock import current_time
from copydesk.web.copying import copy_words as said
from copydesk.web.copying.asked import Asked, Chosen, asked_of, kept, leverages, read_terms
from copydesk.web.copying.blocked import Blocked, blocked_of
from copydesk.web.copying.blueprint import copying
from copydesk.web.copying.facing import Facing, face
from copydesk.web.copying.funds import have_looked_at
from copydesk.web.copying.in_mind import keep_in_mind, put_out_of_mind
from copydesk.web.copying.preflight import Preflight, preflight
from copydesk.web.copying.refusals import refusal_sentences
from copydesk.web.copying.review_words import review_sentences
from copydesk.web.home.outages import Outage, outages_ahead
from copydesk.web.page import render
from copydesk.web.visitor import current_actor
from copydesk.web.what_if_words import enough_words, skipped_rows

_SKIPPED_MAX = 3


@copying.get("/strategies/<slug>/copy")
@needs(Permission.SUBSCRIPTIONS_OWN)
def choose(slug: str) -> Response:
    """Show amount and risk; with `check` in the address, what they mean, and what is wrong with them."""
    facing = face(slug)
    if blocked := blocked_of(facing):
        return _blocked(facing, blocked)
    asked = asked_of(request.args, facing.usual())
    facing = _looked_at(facing)
    chosen, errors = read_terms(asked, facing.offer)
    checks = "check" in request.args
    found = None if chosen is None else preflight(facing, chosen, replays=checks)
    return _form(facing, asked, errors if checks else {}, found)


@copying.get("/strategies/<slug>/copy/preflight")
@needs(Permission.SUBSCRIPTIONS_OWN)
def look(slug: str) -> str:
    """Give the page what the terms mean as they stand in its form, without the page around it."""
    facing = face(slug)
    if blocked_of(facing):
        raise NotFound("This strategy cannot be begun with now.")
    chosen, errors = read_terms(asked_of(request.args, Asked()), facing.offer)
    found = None if chosen is None else preflight(facing, chosen)
    return render("copying/preflight.html", told=_told(facing, found), wrong=list(errors.values()), facing=facing)


@copying.get("/strategies/<slug>/copy/review")
@needs(Permission.SUBSCRIPTIONS_OWN)
def review(slug: str) -> Response:
    """Say everything once more, with one button; what would be refused is refused here already."""
    facing = face(slug)
    if blocked := blocked_of(facing):
        return _blocked(facing, blocked)
    asked = asked_of(request.args, Asked())
    chosen, errors = read_terms(asked, facing.offer)
    if chosen is None:
        return _form(facing, asked, errors, None)
    found, errors = preflight(facing, chosen), _rehearsed(facing, chosen)
    if not errors and found.against:
        errors = {"account": said.against_words(found)[0]}
    if errors:
        return _form(facing, asked, errors, found)
    asked = kept(asked, chosen.amount)
    page = _page(
        "copying/review.html",
        facing,
        asked=asked,
        sentences=review_sentences(facing, found),
        told=_told(facing, found),
        chosen=chosen,
        profile=said.profile_name(chosen.profile),
        back=asked.address(facing.path),
    )
    return make_response(page)


@copying.post("/strategies/<slug>/copy")
@needs(Permission.SUBSCRIPTIONS_OWN)
def begin(slug: str) -> Response:
    """Begin to copy, and show the subscription; the same form sent again shows the one that it began."""
    facing = face(slug)
    blocked = blocked_of(facing, again=True)
    if blocked:
        return _blocked(facing, blocked, UNPROCESSABLE)
    asked = asked_of(request.form, Asked())
    chosen, errors = read_terms(asked, facing.offer_again)
    if chosen is None:
        return _form(facing, asked, errors, None)
    try:
        number = _begin(facing, chosen)
    except Refused as refusal:
        return _form(facing, asked, refusal_sentences(refusal), None)
    return put_out_of_mind(go(f"/copying/{number}"))


def _looked_at(facing: Facing) -> Facing:
    """Have the exchanges asked what is free in the accounts; the page does not wait for that."""
    with transaction() as session:
        asked = have_looked_at(session, {one.id: one.seen for one in facing.choices}, current_time())
    if asked:
        publish_to(runtime().redis_url, WAITS)
    return facing.looking_at(asked)


def _begin(facing: Facing, chosen: Chosen) -> int:
    """Subscribe, and write into the record who began what."""
    new = chosen.subscription(facing.subject.strategy_id)
    with transaction() as session:
        number, anew = begin_copying(session, new, facing.ground, chosen.profile)
        if anew:
            after = {
                "strategy": facing.subject.slug,
                "account": str(chosen.account_id),
                "allocation": f"{chosen.amount:f} {facing.currency}",
                "profile": "" if chosen.profile is None else str(chosen.profile),
            }
            subject, actor = f"subscription:{number}", current_actor()
            record(session, session.tenant_id, actor, "subscription.started", subject, at=current_time(), after=after)
    return number


def _rehearsed(facing: Facing, chosen: Chosen) -> dict[str, str]:
    """Return what starting would be refused for, by the field that it is about."""
    try:
        with transaction() as session:
            rehearse(session, chosen.subscription(facing.subject.strategy_id), facing.ground, chosen.profile)
    except Refused as refusal:
        return refusal_sentences(refusal)
    return {}


def _blocked(facing: Facing, blocked: Blocked, status: int = 200) -> Response:
    """Say why nobody can go on here, and where the way leads instead."""
    answer = make_response(_page("copying/blocked.html", facing, blocked=blocked), status)
    return keep_in_mind(answer, facing.subject.slug) if blocked.returns else answer


def _form(facing: Facing, asked: Asked, errors: Mapping[str, str], found: Preflight | None) -> Response:
    own = next((one for one in facing.accounts if str(one.id) == asked.account), None)
    page = _page(
        "copying/choose.html",
        facing,
        asked=asked,
        errors=errors,
        told=_told(facing, found),
        accounts=[(one.id, one.health.label, said.account_words(one, facing.currency)) for one in facing.choices],
        others=[(one.health.label, one.copies, said.kin_words(one.kin)) for one in facing.accounts if not one.free],
        profiles=said.profiles_told(facing),
        leverages=[(str(one), f"{one}×") for one in leverages(facing.leverage_max)],
        slider=facing.scale(own),
        **said.choices(),
    )
    return make_response(page, UNPROCESSABLE if errors else 200)


def _page(template: str, facing: Facing, **values: Any) -> str:
    return render(template, facing=facing, halted=said.switch_words(facing), away=_away(facing), **values)


def _away(facing: Facing) -> tuple[Outage, ...]:
    """Return what is away of what the accounts that may begin would copy with."""
    free = {one.id for one in facing.choices}
    with transaction() as session:
        accounts = [one for one in own_accounts(session, own_id()) if one.id in free] if free else []
        return outages_ahead(session, accounts, current_time())


def _told(facing: Facing, found: Preflight | None) -> dict[str, Any] | None:
    """Return what a preflight says, in words; None where the terms cannot be read yet."""
    if found is None:
        return None
    chosen, answer, currency = found.chosen, found.answer, facing.currency
    return {
        "replayed": found.replayed,
        "copied": said.copied_words(found) if found.replayed else "",
        "enough": "" if answer is None else enough_words(answer.result),
        "skipped": [] if answer is None else skipped_rows(answer.result)[:_SKIPPED_MAX],
        "worst": said.worst_words(found.worst, chosen.amount, currency),
        "stops": found.worst.limit is not None,
        "fees": said.fee_rows(facing, found.own, found),
        "joining": said.joining_words(found.joining, chosen.join),
        "held": said.held_rows(found.joining),
        "joined": said.joining_rows(found.joining, currency),
        "unpriced": found.joining.lines is None,
        "against": said.against_words(found),
        "beyond": said.beyond_funds(found, currency),
        "free": said.free_words(found.own, currency),
        "looking": found.own.seen.looking,
        "past": said.past_address(facing, chosen),
    }
