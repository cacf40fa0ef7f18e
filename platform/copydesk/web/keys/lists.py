"""The list of a person's exchange accounts, one of them, and the choice of an exchange with how a key is made there."""

from __future__ import annotations

from flask import request

from copydesk.identity.access import Permission
from copydesk.kernel import NotFound
from copydesk.keys import OPEN, Intake, IntakeState, KeyHealth
from copydesk.keys.settings import EGRESS_SHOWN, IP_LOCK, REQUIRED
from copydesk.keys.store import holdings_of, intakes_of, key_of, keys_of, uses_of
from copydesk.tenancy import setting_value
from copydesk.venues import KIND_OF
from copydesk.web.access import needs
from copydesk.web.asking import own_id, row_number, transaction
from copydesk.web.clock import current_time
from copydesk.web.keys.blueprint import keys, places, places_of
from copydesk.web.keys.guides import GUIDES
from copydesk.web.keys.key_words import intake_sentence, may_words, place_name, standing
from copydesk.web.page import render
from copydesk.web.site import current_site
from copydesk.web.words import exchange_name


@keys.get("")
@needs(Permission.KEYS_OWN, agreed=False)
def listing() -> str:
    with transaction() as session:
        accounts, intakes = keys_of(session, own_id()), intakes_of(session, own_id())
    moment = current_time()
    return render(
        "keys/list.html",
        accounts=[(one, standing(one, moment), one.days_left(moment)) for one in accounts],
        intakes=[one for one in intakes if one.state in OPEN or _is_news(one, intakes)],
        said=intake_sentence,
        place_name=place_name,
    )


@keys.get("/<int:account_id>")
@needs(Permission.KEYS_OWN, agreed=False)
def one(account_id: int) -> str:
    with transaction() as session:
        health = key_of(session, own_id(), account_id)
        held, uses = holdings_of(session, account_id), uses_of(session, account_id)
    return render("keys/one.html", **account_values(health), held=held, copied=uses[0], leads=uses[1])


@keys.get("/new")
@needs(Permission.KEYS_OWN)
def new() -> str:
    return render("keys/new.html", places=places(), place_name=place_name, pairs=KIND_OF)


@keys.get("/new/<venue>")
@needs(Permission.KEYS_OWN)
def guide(venue: str) -> str:
    """Tell how a key is made, before anything secret is asked for."""
    environment, pair = places_of(venue)[0].environment, request.args.get("way") == "pair" and venue in KIND_OF
    renewed = renewed_account(venue)
    asked = asked_for(renewed)
    return render("keys/guide.html", environment=environment, pair=pair, asked=asked, **guide_values(venue))


def guide_values(venue: str) -> dict[str, object]:
    """Return what is said of one exchange: steps, rights, addresses, and whether it takes a pair of ours."""
    tenant = current_site().tenant
    return {
        "venue": venue,
        "exchange": exchange_name(venue),
        "guide": GUIDES[venue],
        "place_name": place_name,
        "takes_pair": venue in KIND_OF,
        "addresses": setting_value(tenant, EGRESS_SHOWN, list),
        "lock_required": setting_value(tenant, IP_LOCK, str) == REQUIRED,
    }


def renewed_account(venue: str) -> KeyHealth | None:
    """Return the account whose key is renewed, where the address names one; raises `NotFound` if it is not theirs."""
    asked = request.args.get("account", "")
    if not asked:
        return None
    number = row_number(asked)
    if number is None:
        raise NotFound("There is no such exchange account.")
    with transaction() as session:
        health = key_of(session, own_id(), number)
    if health.venue != venue:
        raise NotFound("There is no such exchange account.")
    return health


def asked_for(renewed: KeyHealth | None) -> str:
    """Return what follows an address that is about renewing."""
    return f"?account={renewed.account_id}" if renewed is not None else ""


def account_values(health: KeyHealth) -> dict[str, object]:
    """Return what is shown of one account."""
    moment = current_time()
    return {
        "account": health,
        "standing": standing(health, moment),
        "days_left": health.days_left(moment),
        "rights": may_words(health.scope),
        "place_name": place_name,
    }


def _is_news(intake: Intake, intakes: list[Intake]) -> bool:
    """Tell whether a refusal is still what is to be said of its exchange: nothing was handed in there since."""
    later = (other for other in intakes if other.id > intake.id and other.venue == intake.venue)
    return intake.state is IntakeState.REFUSED and not any(later)
