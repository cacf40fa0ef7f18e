"""A key on its way: what is being asked, the public half of a pair, and how it ended. Works by reloading the page."""

from __future__ import annotations

from flask import Response, request

from copydesk.identity.access import Permission
from copydesk.kernel import NotFound, Refused, Unavailable
from copydesk.keys import UNDER_WAY, WAITS, WITH_PASSPHRASE, Intake, IntakeState, publish_to, read_entry
from copydesk.keys.connect import complete_pair, give_up
from copydesk.keys.store import intake_of
from copydesk.web.access import needs
from copydesk.web.asking import UNPROCESSABLE, go, own_id, runtime, transaction
from copydesk.web.clock import current_time
from copydesk.web.keys.blueprint import HOME, keys
from copydesk.web.keys.entering import not_taken
from copydesk.web.keys.key_words import intake_sentence, place_name, problem_sentences
from copydesk.web.keys.lists import guide_values
from copydesk.web.page import render
from copydesk.web.visitor import current_actor

# After this status htmx asks no more (the page's fragment is final).
_ENOUGH = 286


@keys.get("/intakes/<int:intake_id>")
@needs(Permission.KEYS_OWN)
def progress(intake_id: int) -> str:
    return render("keys/progress.html", **_values(_intake(intake_id)))


@keys.get("/intakes/<int:intake_id>/now")
@needs(Permission.KEYS_OWN)
def progress_now(intake_id: int) -> tuple[str, int]:
    """Give the page how far the key has come, without the page around it."""
    intake = _intake(intake_id)
    status = 200 if intake.state in UNDER_WAY or intake.state is IntakeState.MAKING else _ENOUGH
    return render("keys/progress_now.html", **_values(intake)), status


@keys.get("/intakes/<int:intake_id>/name")
@needs(Permission.KEYS_OWN, fresh=True, holds=True)
def name_form(intake_id: int) -> str:
    intake = _intake(intake_id)
    if intake.state is not IntakeState.OFFERED:
        raise NotFound("This key is not waited for any more.")
    return _name_page(intake, {})


@keys.post("/intakes/<int:intake_id>/name")
@needs(Permission.KEYS_OWN, fresh=True, holds=True)
def name_pair(intake_id: int) -> Response | tuple[str, int]:
    """Take the API key that the exchange gave to our public key."""
    intake = _intake(intake_id)
    entry = read_entry(request.form, intake.venue, intake.kind, label=intake.label)
    wrong = problem_sentences(entry.problems)
    if not wrong:
        try:
            with transaction() as session:
                seal, actor = runtime().intake, current_actor()
                complete_pair(session, seal, own_id(), intake_id, entry.handed, actor=actor, at=current_time())
        except (Refused, Unavailable) as no:
            wrong = {"": not_taken(no)}
    if wrong:
        return _name_page(intake, wrong), UNPROCESSABLE
    publish_to(runtime().redis_url, WAITS)
    return go(f"{HOME}/intakes/{intake_id}")


@keys.post("/intakes/<int:intake_id>/give-up")
@needs(Permission.KEYS_OWN)
def give_intake_up(intake_id: int) -> Response:
    """Let go of a key on its way; what was sealed is destroyed."""
    with transaction() as session:
        give_up(session, own_id(), intake_id, actor=current_actor(), at=current_time())
    return go(HOME)


def _intake(intake_id: int) -> Intake:
    with transaction() as session:
        return intake_of(session, own_id(), intake_id)


def _values(intake: Intake) -> dict[str, object]:
    refused = intake.state is IntakeState.REFUSED
    return {
        "intake": intake,
        "sentence": intake_sentence(intake) if refused else "",
        "under_way": intake.state in UNDER_WAY or intake.state is IntakeState.MAKING,
        **guide_values(intake.venue),
    }


def _name_page(intake: Intake, errors: dict[str, str]) -> str:
    return render(
        "keys/name.html",
        intake=intake,
        errors=errors,
        passphrase=intake.venue in WITH_PASSPHRASE,
        place_name=place_name,
    )
