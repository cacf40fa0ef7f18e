"""The ranking as staff see it, and what they change of it by hand: with a reason, in public, and undone again."""

from __future__ import annotations

from collections.abc import Mapping

from flask import request
from werkzeug.wrappers import Response as AnyResponse

from copydesk.identity.access import Permission
from copydesk.kernel import InvalidInput
from copydesk.performance import override
from copydesk.performance.board import Filters, leaderboard
from copydesk.performance.page import compare
from copydesk.performance.scoring import scheme_of
from copydesk.web.access import needs
from copydesk.web.asking import go, transaction
from copydesk.web.clock import current_time
from copydesk.web.format import figure
from copydesk.web.page import render
from copydesk.web.score_words import gate_sentence
from copydesk.web.site import current_site
from copydesk.web.staff.blueprint import staff
from copydesk.web.staff.words import refusal_words
from copydesk.web.visitor import current_actor

ROWS_A_PAGE = 50
_HERE = "/staff/ranking"
_TEXT_LENGTH_MAX = 60
_FIELD_OF = {"place_range": "place", "reason_length": "reason"}
_DIGITS_MAX = 6


@staff.get("/ranking")
@needs(Permission.SETTINGS_READ)
def ranking() -> str:
    """List strategies by their place."""
    wanted = request.args.get("q", "").replace("\0", "").strip()[:_TEXT_LENGTH_MAX]
    after = request.args.get("after") or None
    with transaction() as session:
        found = leaderboard(session, Filters(text=wanted or None), after=after, limit=ROWS_A_PAGE, now=current_time())
    scores = {row.id: figure(row.score, "#,##0.0") for row in found.rows}
    return render("staff/ranking.html", rows=found.rows, scores=scores, following=found.after, wanted=wanted)


@staff.route("/ranking/<slug>", methods=("GET", "POST"))
@needs(Permission.SETTINGS_WRITE, fresh=True, holds=True)
def adjust_ranking(slug: str) -> AnyResponse | tuple[str, int] | str:
    """Ask for a place and a reason; change it when the form comes back."""
    if request.method == "GET":
        return _asked(slug, {}, {})
    typed = {name: request.form.get(name, "").replace("\0", "").strip() for name in ("act", "place", "reason")}
    try:
        with transaction() as session:
            override.adjust(
                session,
                current_site().tenant,
                current_actor(),
                slug,
                place=_place(typed["place"]) if typed["act"] == "place" else None,
                reason=typed["reason"],
                at=current_time(),
            )
    except InvalidInput as refusal:
        errors = {_FIELD_OF.get(refusal.code, ""): refusal_words(refusal, found=typed["place"])}
        return _asked(slug, typed, errors), refusal.http_status
    return go(_HERE)


@staff.post("/ranking/<slug>/undo")
@needs(Permission.SETTINGS_WRITE, fresh=True, holds=True)
def undo_ranking(slug: str) -> AnyResponse:
    """Let the figures decide again."""
    with transaction() as session:
        override.undo(session, current_site().tenant, current_actor(), slug, at=current_time())
    return go(_HERE)


def _asked(slug: str, typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    gates = scheme_of(current_site().tenant).gates
    with transaction() as session:
        (found,) = compare(session, [slug], now=current_time())
    row = found.row
    return render(
        "staff/ranking_adjust.html",
        row=row,
        gates=[gate_sentence(gate, gates) for gate in row.gates],
        typed=typed,
        errors=errors,
        reason_max=override.REASON_LENGTH_MAX,
    )


def _place(text: str) -> int:
    """Read a place; what is none is no place that there could be."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX else 0
