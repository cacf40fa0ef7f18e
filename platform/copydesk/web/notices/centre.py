"""The centre of notices: all that one was told, the newest first, by days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import groupby
from urllib.parse import urlencode

from flask import Response, request
from flask_babel import get_timezone  # type: ignore[import-untyped]

from copydesk.identity.access import Permission
from copydesk.kernel import NotFound
from copydesk.notices import Notice, NoticeKind, Words
from copydesk.notices.store import PAGE_ROWS, mark_read, notice_of, notices_of
from copydesk.web.access import needs
from copydesk.web.asking import before_asked, go, own_id, transaction
from copydesk.web.clock import current_time
from copydesk.web.notice_words import TONES, kind_words, say
from copydesk.web.notices.blueprint import HOME, known_id, notices
from copydesk.web.page import render


@dataclass(frozen=True)
class Line:
    """One notice as the page shows it."""

    notice: Notice
    words: Words
    kind: str
    tone: str


@notices.get("")
@needs(Permission.ACCOUNT_OWN, agreed=False)
def centre() -> str:
    return render("notices/centre.html", kinds=[(kind, kind_words(kind)) for kind in NoticeKind], **_shown())


@notices.get("/now")
@needs(Permission.ACCOUNT_OWN, agreed=False)
def centre_now() -> str:
    """Return the list alone, for a page that is open."""
    return render("notices/centre_now.html", **_shown())


@notices.get("/bell")
@needs(Permission.ACCOUNT_OWN, agreed=False)
def bell() -> str:
    """Return the bell alone, for a page that is open."""
    return render("partials/bell_now.html")


@notices.post("/read")
@needs(Permission.ACCOUNT_OWN, agreed=False)
def read_all() -> Response:
    """Mark all that the page showed as read; what came since stays as it is."""
    until = request.form.get("until", type=int)
    with transaction() as session:
        mark_read(session, own_id(), at=current_time(), until_id=known_id(until) if until else None)
    return _back()


@notices.post("/<int:notice_id>/read")
@needs(Permission.ACCOUNT_OWN, agreed=False)
def read_one(notice_id: int) -> Response:
    """Mark a notice as read; somebody else's does not exist here."""
    if not known_id(notice_id):
        raise NotFound("There is no such notice.")
    with transaction() as session:
        notice = notice_of(session, own_id(), notice_id)
        mark_read(session, own_id(), at=current_time(), only_id=notice.id)
    return _back()


def _shown() -> dict[str, object]:
    kind, before = _kind_asked(), before_asked()
    with transaction() as session:
        found = notices_of(
            session, own_id(), kinds=() if kind is None else (kind,), before_id=before, most=PAGE_ROWS + 1
        )
    more, found = len(found) > PAGE_ROWS, found[:PAGE_ROWS]
    lines = [Line(one, say(one), kind_words(one.kind), TONES[one.kind]) for one in found]
    return {
        "days": [(day, list(group)) for day, group in groupby(lines, key=_day)],
        "only": kind or "",
        # What is older does not change: only the newest page is kept up to date.
        "now_address": "" if before is not None else _address("/now", kind, None),
        "newest_id": found[0].id if found else 0,
        "older": _address("", kind, found[-1].id) if more else "",
        "newer": _address("", kind, None) if before is not None else "",
        "any_unread": any(one.read_at is None for one in found),
    }


def _kind_asked() -> NoticeKind | None:
    asked = request.args.get("kind", "")
    return NoticeKind(asked) if asked in set(NoticeKind) else None


def _address(place: str, kind: NoticeKind | None, before: int | None) -> str:
    asked = {name: value for name, value in (("kind", kind), ("before", before)) if value is not None}
    return f"{HOME}{place}?{urlencode(asked)}" if asked else f"{HOME}{place}"


def _day(line: Line) -> date:
    return line.notice.at.astimezone(get_timezone()).date()


def _back() -> Response:
    """Return to the list as it was filtered."""
    asked = request.form.get("kind", "")
    return go(_address("", NoticeKind(asked) if asked in set(NoticeKind) else None, None))
