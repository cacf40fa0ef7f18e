"""The way from a form to a revision, for every section: look at the differences, say why, publish.

Both steps read the same fields: the page that shows the differences carries them along, so that nothing half-done is
kept anywhere and everything is read and checked anew when it is published.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import request
from flask_babel import gettext  # type: ignore[import-untyped]
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from copydesk.identity.access import Permission
from copydesk.kernel import InvalidInput, Refused
from copydesk.tenancy import Tenant
from copydesk.tenancy.declared import declared_of
from copydesk.tenancy.revisions import RefusedSettings, Revision
from copydesk.tenancy.weighing import sensitive_changes
from copydesk.web.access import is_fresh
from copydesk.web.asking import go, transaction
from copydesk.web.clock import current_time
from copydesk.web.csrf import FIELD
from copydesk.web.page import render
from copydesk.web.panel.cautions import cautions, color_values, shut_out
from copydesk.web.panel.desk import (
    asked_reason,
    asked_revision,
    author_name,
    current_brand,
    follow,
    settings_desk,
    waiting,
)
from copydesk.web.panel.differences import Difference, differences
from copydesk.web.panel.forms import Parsed, Typed
from copydesk.web.panel.held import require_unheld
from copydesk.web.panel.past import changed_since
from copydesk.web.panel.sections import SECTIONS, Section
from copydesk.web.panel.standing import Standing, value_of
from copydesk.web.panel.telling import tell_who_may_approve
from copydesk.web.panel.words import (
    error_words,
    label_of,
    meanwhile_words,
    origin_words,
    place_words,
    refusal_words,
    root_of,
    shown,
)
from copydesk.web.visitor import current_actor, current_visitor

# What a form carries besides its settings.
_FRAME = frozenset({FIELD, "reason", "step", "revision"})


@dataclass(frozen=True)
class DiffLine:
    """One setting that changes, with every place that differs."""

    key: str
    label: str
    places: tuple[Difference, ...]
    sensitive: bool = False

    @property
    def is_plain(self) -> bool:
        """Tell whether the setting is one value: then its row needs no heading."""
        return len(self.places) == 1 and not self.places[0].place

    @property
    def rows(self) -> list[tuple[str, str | None, str | None]]:
        """Return each place with both values in words; None is "was not there", or "is gone"."""
        rows = []
        for one in self.places:
            key, words = place_words(self.key, one.place)
            before, after = (None if value is None else shown(key, value) for value in (one.before, one.after))
            rows.append((words, before, after))
        return rows


@dataclass(frozen=True)
class _Ready:
    """A form that can be published as it is, and the brand as it would be."""

    section: Section
    typed: Typed
    changes: Mapping[str, object | None]
    candidate: Tenant


def show_section(
    section: Section, typed: Typed | None = None, errors: Mapping[str, str] | None = None, **more: Any
) -> str:
    """Show a section's form: with what holds now, or with what was typed and what is wrong with it."""
    tenant = current_brand()
    colors = color_values(tenant) if section.slug == "brand" else {}
    values = {"set_by": _origins(), **section.shown(tenant, typed, errors or {}), **colors, **more}
    return render(
        section.template,
        current=section,
        sections=visible_sections(),
        errors=errors or {},
        revision=tenant.overrides.revision,
        may_write=section.writes in current_visitor().permissions,
        may_see_history=Permission.SETTINGS_READ in current_visitor().permissions,
        waiting=[one for one in waiting() if any(section.owns(key) for key in one.changes)],
        **values,
    )


def look(section: Section, typed: Typed | None = None) -> AnyResponse | tuple[str, int] | str:
    """Answer a sent form: with the differences and the question why, or with the form and what is wrong with it."""
    typed = MultiDict(request.form) if typed is None else typed
    if request.form.get("step") == "edit":
        return show_section(section, typed)
    ready = _ready(section, typed)
    return _differences_page(ready) if isinstance(ready, _Ready) else ready


def publish(section: Section) -> AnyResponse | tuple[str, int] | str:
    """Store what the form changes as a revision: published at once, or waiting for a second person."""
    ready = _ready(section, MultiDict(request.form))
    if not isinstance(ready, _Ready):
        return ready
    try:
        revision = _changed(ready.changes, asked_reason())
    except RefusedSettings as refusal:
        return show_section(section, ready.typed, refusal_errors(section, refusal)), refusal.http_status
    except InvalidInput as refusal:
        return _differences_page(ready, error=str(refusal)), refusal.http_status
    except Refused as refusal:
        follow()
        errors = _meanwhile(section, ready.changes) or {"": refusal_words(refusal)}
        return show_section(section, ready.typed, errors), HTTPStatus.CONFLICT
    follow()
    return go(_after(section, revision))


def visible_sections() -> tuple[Section, ...]:
    """Return the sections that the visitor may look at."""
    may = current_visitor().permissions
    return tuple(section for section in SECTIONS if section.reads in may)


def refusal_errors(section: Section, refusal: RefusedSettings) -> dict[str, str]:
    """Put each of the desk's errors at its field; what is not this section's stands above the form."""
    told: dict[str, list[str]] = {}
    for error in refusal.errors:
        root = root_of(error.key)
        told.setdefault(root if section.owns(root) else "", []).append(error_words(error))
    return {name: " ".join(dict.fromkeys(sentences)) for name, sentences in told.items()} or {"": str(refusal)}


def diff_lines(before: Tenant, after: Tenant, keys: Mapping[str, object]) -> tuple[DiffLine, ...]:
    """Say what differs between two brands at these keys."""
    weighty = {declared_of(key).whole for key in sensitive_changes(before, after, keys)}
    lines = (
        DiffLine(key, label_of(key), differences(value_of(before, key), value_of(after, key)), key in weighty)
        for key in keys
    )
    return tuple(line for line in lines if line.places)


def _ready(section: Section, typed: Typed) -> _Ready | tuple[str, int]:
    """Read and check a sent form; where it cannot be published, return the form again with what is wrong."""
    tenant = current_brand()
    parsed = _parsed(section, tenant, typed)
    if parsed.errors:
        return show_section(section, typed, parsed.errors), HTTPStatus.UNPROCESSABLE_ENTITY
    if overtaken := _meanwhile(section, parsed.changes):
        return show_section(section, typed, overtaken), HTTPStatus.CONFLICT
    try:
        candidate = settings_desk().check(tenant, parsed.changes)
    except RefusedSettings as refusal:
        return show_section(section, typed, refusal_errors(section, refusal)), refusal.http_status
    try:
        require_unheld(candidate)
    except Refused as refusal:
        return show_section(section, typed, {"": str(refusal)}), HTTPStatus.CONFLICT
    return _Ready(section, typed, parsed.changes, candidate)


def _changed(changes: Mapping[str, object | None], reason: str) -> Revision:
    """Store a change, and tell who may approve it where it waits."""
    with transaction() as session:
        revision = settings_desk().change(
            *(session, current_brand(), changes),
            actor=current_actor(),
            author=author_name(),
            reason=reason,
            at=current_time(),
            expected_revision=asked_revision(),
        )
        tell_who_may_approve(session, revision)
    return revision


def _parsed(section: Section, tenant: Tenant, typed: Typed) -> Parsed:
    """Read the form; a form that changes nothing, or that does not say for which revision it is, is an error."""
    parsed = section.read(tenant, typed)
    if parsed.errors:
        return parsed
    if asked_revision() is None:
        return Parsed({}, {"": gettext("This form is too old. Load the page again.")})
    if not parsed.changes:
        return Parsed({}, {"": gettext("Nothing was changed: every field holds what it held before.")})
    return parsed


def _meanwhile(section: Section, changes: Mapping[str, object | None]) -> dict[str, str]:
    """Name what somebody else changed in this section since the form was made, with both values."""
    tenant, made_for = current_brand(), asked_revision()
    if made_for == tenant.overrides.revision or made_for is None:
        return {}
    told = {}
    for key, revision in changed_since(made_for).items():
        if section.owns(key):
            theirs, yours = value_of(tenant, key), changes.get(key, value_of(tenant, key))
            told[key] = meanwhile_words(key, revision, theirs=theirs, yours=yours)
    return told


def _differences_page(ready: _Ready, *, error: str = "") -> str:
    section, tenant = ready.section, current_brand()
    lines = diff_lines(tenant, ready.candidate, ready.changes)
    return render(
        "panel/differences.html",
        current=section,
        sections=visible_sections(),
        lines=lines,
        carried=[(name, value) for name, value in ready.typed.items(multi=True) if name not in _FRAME],
        revision=tenant.overrides.revision,
        sensitive=any(line.sensitive for line in lines),
        warnings=cautions(ready.candidate) if section.slug == "brand" else (),
        shut_out=shut_out(ready.candidate),
        fresh=is_fresh(current_visitor()),
        reason=request.form.get("reason", ""),
        error=error,
    )


def _after(section: Section, revision: Revision) -> str:
    """Lead to the revision, or back to the section where the visitor may not see the history."""
    sees = Permission.SETTINGS_READ in current_visitor().permissions
    return f"/panel/history/{revision.id}" if sees else section.path


def _origins() -> Callable[[str, Standing], str]:
    """Return what templates ask where a value comes from."""
    origins = current_brand().overrides.origins

    def words(key: str, standing: Standing) -> str:
        origin = origins.get(key)
        return origin_words(standing, origin.author, origin.revision) if origin else origin_words(standing)

    return words
