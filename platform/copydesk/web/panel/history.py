"""The history of a brand's settings: every revision with who, when, why and what; going back, approving, refusing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from flask import request
from flask_babel import gettext  # type: ignore[import-untyped]
from werkzeug.wrappers import Response as AnyResponse

from copydesk.identity.access import Permission
from copydesk.kernel import NotFound, NotPermitted, Refused
from copydesk.tenancy.revisions import RefusedSettings, Revision, RevisionState
from copydesk.web.access import is_fresh, needs
from copydesk.web.asking import go, transaction
from copydesk.web.clock import current_time
from copydesk.web.page import render
from copydesk.web.panel.blueprint import panel
from copydesk.web.panel.desk import (
    asked_reason,
    author_name,
    current_brand,
    follow,
    settings_desk,
)
from copydesk.web.panel.differences import differences
from copydesk.web.panel.held import require_unheld
from copydesk.web.panel.saving import DiffLine, diff_lines, visible_sections
from copydesk.web.panel.sections import section_for
from copydesk.web.panel.telling import tell_who_may_approve
from copydesk.web.panel.words import error_words, label_of, refusal_words, state_words
from copydesk.web.staff.desk import asked_number, row_id
from copydesk.web.visitor import current_actor, current_visitor

PAGE_LINES = 30
P = Permission


@panel.get("/history")
@needs(P.SETTINGS_READ)
def history() -> str:
    before = asked_number(request.args.get("before", ""))
    with transaction() as session:
        found = settings_desk().history(session, limit=PAGE_LINES + 1, before=before)
    lines, more = found[:PAGE_LINES], len(found) > PAGE_LINES
    following = lines[-1].id if more else None
    return render("panel/history.html", **_frame(), lines=lines, following=following)


@panel.get("/history/<int:number>")
@needs(P.SETTINGS_READ)
def one(number: int) -> str:
    return _shown(_revision(number))


@panel.post("/history/<int:number>/rollback")
@needs(P.SETTINGS_WRITE, fresh=True, holds=True)
def rollback(number: int) -> AnyResponse | tuple[str, int]:
    """Go back to what held after a revision, as a revision of its own; number 0 is the file alone."""
    values = _revision(number).values if number else {}
    try:
        _require_fees(line.key for line in _way_back(values)[0])
        current = current_brand()
        _require_unheld({key: values.get(key) for key in {*current.overrides.values, *values}})
        reason = asked_reason()
        with transaction() as session:
            made = settings_desk().rollback(
                *(session, current, number),
                actor=current_actor(),
                author=author_name(),
                reason=reason,
                at=current_time(),
            )
            tell_who_may_approve(session, made)
    except NotFound:
        raise
    except Refused as refusal:
        shown_at = number or current_brand().overrides.revision
        return (_shown(_revision(shown_at), refusal) if shown_at else history()), refusal.http_status
    follow()
    return go(f"/panel/history/{made.id}")


@panel.post("/history/<int:number>/approve")
@needs(P.SETTINGS_WRITE, fresh=True, holds=True)
def approve(number: int) -> AnyResponse | tuple[str, int]:
    return _decided(number, settings_desk().approve)


@panel.post("/history/<int:number>/refuse")
@needs(P.SETTINGS_WRITE, fresh=True, holds=True)
def refuse(number: int) -> AnyResponse | tuple[str, int]:
    return _decided(number, settings_desk().refuse)


def _decided(number: int, act: Callable[..., Revision]) -> AnyResponse | tuple[str, int]:
    """Approve or refuse a proposal, or say why not."""
    found = _revision(number)
    try:
        _require_fees(found.changes)
        if act == settings_desk().approve:
            _require_unheld({key: change.put for key, change in found.changes.items()})
        with transaction() as session:
            actor, author, at = current_actor(), author_name(), current_time()
            act(session, current_brand(), found.id, actor=actor, author=author, at=at)
    except NotFound:
        raise
    except Refused as refusal:
        return _shown(found, refusal), refusal.http_status
    follow()
    return go(f"/panel/history/{number}")


def _shown(revision: Revision, refusal: Refused | None = None) -> str:
    """Show a revision: what it changed, what going back to it would change, and whether the visitor may decide it."""
    current = current_brand()
    lines = [DiffLine(key, label_of(key), differences(c.before, c.after)) for key, c in revision.changes.items()]
    is_current = revision.id == current.overrides.revision
    target = _before(revision) if is_current else revision if revision.state is RevisionState.PUBLISHED else None
    back, misfits = _way_back(target.values if target else {}) if target or is_current else ((), ())
    own = revision.author_id is not None and revision.author_id == current_visitor().user_id
    touched = {section.slug: section for key in revision.changes if (section := section_for(key))}
    return render(
        "panel/revision.html",
        **_frame(),
        one=revision,
        lines=lines,
        touched=touched.values(),
        back=back,
        back_to=target.id if target else 0,
        misfits=misfits,
        is_current=is_current,
        own=own,
        may_decide=revision.state is RevisionState.PROPOSED and not own and _may(revision.changes),
        error=refusal_words(refusal) if refusal else "",
        reason=request.form.get("reason", ""),
        fresh=is_fresh(current_visitor()),
    )


def _before(revision: Revision) -> Revision | None:
    """Return the revision that held before this one; None where that was the file alone."""
    with transaction() as session:
        older = settings_desk().history(session, limit=PAGE_LINES, before=revision.id)
    return next((one for one in older if one.state is RevisionState.PUBLISHED), None)


def _way_back(values: Mapping[str, object]) -> tuple[tuple[DiffLine, ...], tuple[str, ...]]:
    """Say what going back to these values would change, or why they do not hold any more."""
    current = current_brand()
    changes = {key: values.get(key) for key in sorted({*current.overrides.values, *values})}
    try:
        candidate = settings_desk().check(current, changes)
    except RefusedSettings as refusal:
        return (), tuple(error_words(error) for error in refusal.errors)
    return diff_lines(current, candidate, changes), ()


def _require_fees(keys: Iterable[str]) -> None:
    """Leave fees to who may change fees, whichever way they are changed."""
    if not _may(keys):
        raise NotPermitted(gettext("This changes fees, and your role does not include that."), code="fees")


def _require_unheld(changes: Mapping[str, object | None]) -> None:
    """Leave no market in which somebody holds something, whichever way it would be left."""
    if "exchanges" in changes:
        require_unheld(settings_desk().check(current_brand(), changes))


def _may(keys: Iterable[str]) -> bool:
    sections = [section_for(key) for key in keys]
    may = current_visitor().permissions
    return all(section is None or section.writes in may for section in sections) and P.SETTINGS_WRITE in may


def _revision(number: int) -> Revision:
    """Read a revision of this brand; raises `NotFound` for any other's."""
    with transaction() as session:
        return settings_desk().revision(session, row_id(number))


def _frame() -> dict[str, object]:
    return {
        "current": "history",
        "sections": visible_sections(),
        "revision": current_brand().overrides.revision,
        "label_of": label_of,
        "state_words": state_words,
    }
