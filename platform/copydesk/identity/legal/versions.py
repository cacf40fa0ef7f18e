"""Publishes legal texts and finds them again: session in, values out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session

from copydesk.audit import Actor, record
from copydesk.identity.legal.model import BODY_CHARS_MAX, Draft, LegalKind, LegalVersion
from copydesk.identity.legal.tables import LegalTextRow, LegalVersionRow
from copydesk.kernel import InvalidInput, NotFound


def publish(session: Session, tenant_id: int, draft: Draft, *, actor: Actor, author: str, at: datetime) -> LegalVersion:
    """Publish a version at once and return it; the first of a kind is always material, for nobody has accepted it.

    Raises `InvalidInput` without any text, and for one that is longer than a page shows.
    """
    bodies = {locale: body.strip() for locale, body in draft.bodies.items() if body.strip()}
    _require_texts(bodies)
    # Two authors at once would give out one number twice.
    lock = text("SELECT pg_advisory_xact_lock(hashtext('legal_version'), :tenant)")
    session.execute(lock, {"tenant": tenant_id})
    newest = select(func.max(LegalVersionRow.number)).where(LegalVersionRow.kind == str(draft.kind))
    number = (session.scalar(newest) or 0) + 1
    row = LegalVersionRow(
        tenant_id=tenant_id,
        kind=str(draft.kind),
        number=number,
        material=draft.material or number == 1,
        author_id=actor.user_id,
        author=author,
        published_at=at,
    )
    session.add(row)
    session.flush()
    session.add_all(
        LegalTextRow(tenant_id=tenant_id, version_id=row.id, locale=locale, body=body)
        for locale, body in bodies.items()
    )
    session.flush()
    after = {"kind": row.kind, "number": number, "material": row.material, "locales": sorted(bodies)}
    record(session, tenant_id, actor, "legal.published", f"legal:{row.id}", at=at, after=after)
    return _version(row, sorted(bodies))


def current_versions(session: Session) -> Mapping[LegalKind, LegalVersion]:
    """Return the version of each kind that holds now, in the order of the kinds."""
    newest = select(func.max(LegalVersionRow.id)).group_by(LegalVersionRow.kind)
    found = {one.kind: one for one in _read(session, select(LegalVersionRow).where(LegalVersionRow.id.in_(newest)))}
    return {kind: found[kind] for kind in LegalKind if kind in found}


def versions_of(session: Session, kind: LegalKind) -> tuple[LegalVersion, ...]:
    """Return every version of one text, the newest first."""
    query = select(LegalVersionRow).where(LegalVersionRow.kind == str(kind))
    return _read(session, query.order_by(LegalVersionRow.number.desc()))


def version_of(session: Session, kind: LegalKind, number: int | None = None) -> LegalVersion:
    """Return a version by its number, or the one that holds now; raises `NotFound`."""
    query = select(LegalVersionRow).where(LegalVersionRow.kind == str(kind))
    if number is not None:
        query = query.where(LegalVersionRow.number == number)
    found = _read(session, query.order_by(LegalVersionRow.number.desc()).limit(1))
    if not found:
        raise NotFound("There is no such text.")
    return found[0]


def legal_texts(session: Session, version_id: int) -> dict[str, str]:
    """Return a version's Markdown by language."""
    query = select(LegalTextRow.locale, LegalTextRow.body).where(LegalTextRow.version_id == version_id)
    return {row[0]: row[1] for row in session.execute(query.order_by(LegalTextRow.locale))}


def _read(session: Session, query: Select[LegalVersionRow]) -> tuple[LegalVersion, ...]:
    rows = session.scalars(query).all()
    if not rows:
        return ()
    spoken: dict[int, list[str]] = {row.id: [] for row in rows}
    names = select(LegalTextRow.version_id, LegalTextRow.locale).where(LegalTextRow.version_id.in_(spoken))
    for version_id, locale in session.execute(names.order_by(LegalTextRow.locale)):
        spoken[version_id].append(locale)
    return tuple(_version(row, spoken[row.id]) for row in rows)


def _version(row: LegalVersionRow, locales: Iterable[str]) -> LegalVersion:
    return LegalVersion(
        row.id, LegalKind(row.kind), row.number, row.published_at, row.author, row.material, tuple(locales)
    )


def _require_texts(bodies: Mapping[str, str]) -> None:
    if not bodies:
        raise InvalidInput("text: expected words in at least one language, found none", code="legal_empty")
    for locale, body in bodies.items():
        if len(body) > BODY_CHARS_MAX:
            raise InvalidInput(
                f"text ({locale}): expected at most {BODY_CHARS_MAX} characters, found {len(body)}", code="legal_long"
            )
