"""The form of a new key. What is typed into it is sealed before anything else happens, and never shown again."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response, request
from flask_babel import gettext  # type: ignore[import-untyped]

from copydesk.identity.access import Permission
from copydesk.kernel import NotFound, Refused, Unavailable
from copydesk.keys import WAITS, WITH_PASSPHRASE, KeyHealth, NewIntake, publish_to, read_entry
from copydesk.keys.connect import begin_pair, hand_in
from copydesk.trading import Environment, KeyKind
from copydesk.venues import KIND_OF
from copydesk.web.access import needs
from copydesk.web.asking import UNPROCESSABLE, go, own_id, runtime, transaction
from copydesk.web.clock import current_time
from copydesk.web.keys.blueprint import HOME, keys, places_of
from copydesk.web.keys.key_words import place_name, problem_sentences
from copydesk.web.keys.lists import asked_for, guide_values, renewed_account
from copydesk.web.page import render
from copydesk.web.visitor import current_actor


@keys.get("/new/<venue>/enter")
@needs(Permission.KEYS_OWN, fresh=True, holds=True)
def enter(venue: str) -> str:
    places_of(venue)
    return _page(venue, renewed_account(venue), {}, {"label": "", "environment": ""})


@keys.post("/new/<venue>/enter")
@needs(Permission.KEYS_OWN, fresh=True, holds=True)
def hand_over(venue: str) -> Response | tuple[str, int]:
    renewed = renewed_account(venue)
    entry = read_entry(request.form, venue, KeyKind.HMAC, label=renewed.label if renewed else None)
    wrong = problem_sentences(entry.problems)
    if not wrong:
        try:
            with transaction() as session:
                new = _new(venue, entry.label, KeyKind.HMAC, renewed)
                number = hand_in(session, runtime().intake, new, entry.handed, actor=current_actor(), at=current_time())
        except (Refused, Unavailable) as no:
            wrong = {"": not_taken(no)}
    if wrong:
        return _page(venue, renewed, wrong, request.form), UNPROCESSABLE
    publish_to(runtime().redis_url, WAITS)
    return go(f"{HOME}/intakes/{number}")


@keys.post("/new/<venue>/pair")
@needs(Permission.KEYS_OWN, fresh=True, holds=True)
def make_pair(venue: str) -> Response | tuple[str, int]:
    """Have a pair made; the page that follows shows its public half."""
    if venue not in KIND_OF:
        raise NotFound("There is no such page.")
    renewed = renewed_account(venue)
    label = renewed.label if renewed else None
    entry = read_entry({**request.form, "api_key": "-" * 8}, venue, KIND_OF[venue], label=label)
    wrong = problem_sentences({name: p for name, p in entry.problems.items() if name == "label"})
    if not wrong:
        try:
            with transaction() as session:
                new = _new(venue, entry.label, KIND_OF[venue], renewed)
                number = begin_pair(session, new, actor=current_actor(), at=current_time())
        except (Refused, Unavailable) as no:
            wrong = {"": not_taken(no)}
    if wrong:
        return _page(venue, renewed, wrong, request.form, pair=True), UNPROCESSABLE
    publish_to(runtime().redis_url, WAITS)
    return go(f"{HOME}/intakes/{number}")


def _page(
    venue: str,
    renewed: KeyHealth | None,
    errors: Mapping[str, str],
    typed: Mapping[str, str],
    *,
    pair: bool | None = None,
) -> str:
    """Show the form with what was typed, but for what is secret."""
    kept = {name: typed.get(name, "") for name in ("label", "environment")}
    offered = places_of(venue)
    environment = renewed.environment if renewed is not None else offered[0].environment
    return render(
        "keys/enter.html",
        places=offered,
        environment=environment,
        environments=[(place.environment, place_name(venue, place.environment)) for place in offered],
        asked=asked_for(renewed),
        renewed=renewed,
        errors=errors,
        typed=kept,
        pair=(request.args.get("way") == "pair" if pair is None else pair) and venue in KIND_OF,
        passphrase=venue in WITH_PASSPHRASE,
        **guide_values(venue),
    )


def _new(venue: str, label: str, kind: KeyKind, renewed: KeyHealth | None) -> NewIntake:
    if renewed is not None:
        return NewIntake(own_id(), venue, renewed.environment, renewed.label, kind, renewed.account_id)
    offered = {str(place.environment): place.environment for place in places_of(venue)}
    environment = offered.get(request.form.get("environment", ""), next(iter(offered.values())))
    return NewIntake(own_id(), venue, Environment(environment), label, kind)


def not_taken(no: Refused | Unavailable) -> str:
    """Say in the reader's language why nothing was taken; what is not found stays not found."""
    if isinstance(no, NotFound):
        raise no
    if isinstance(no, Unavailable):
        return str(gettext("Keys cannot be taken at the moment. Nothing was stored; try again in a minute."))
    if no.code == "too_late":
        return str(gettext("This key was handed in already, or is not waited for any more."))
    return str(gettext("You have tried many keys. Wait until those on their way are decided, or until tomorrow."))
