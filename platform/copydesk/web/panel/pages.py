"""The panel's front page, and the pages of every section that has none of its own."""

from __future__ import annotations

from werkzeug.wrappers import Response as AnyResponse

from copydesk.identity.access import Permission
from copydesk.tenancy.revisions import Revision
from copydesk.web.access import needs
from copydesk.web.page import render
from copydesk.web.panel.blueprint import panel
from copydesk.web.panel.cautions import cautions
from copydesk.web.panel.desk import current_brand, problems, waiting
from copydesk.web.panel.saving import look, publish, show_section, visible_sections
from copydesk.web.panel.sections import Section, named, section_for, section_of
from copydesk.web.panel.words import error_words

P = Permission


@panel.get("")
@needs(P.SETTINGS_READ)
def front() -> str:
    """List the sections with what is set in them, what waits, and what is wrong."""
    tenant = current_brand()
    proposals = waiting()
    asked = {section.slug: section for key in _keys(proposals) if (section := section_for(key))}
    tiles = [(section, _set_here(section), section.slug in asked) for section in visible_sections()]
    wrong = [error_words(error) for error in problems(tenant)]
    values = {"warnings": cautions(tenant), "problems": wrong, "revision": tenant.overrides.revision}
    return render(
        "panel/front.html", current=None, sections=visible_sections(), tiles=tiles, waiting=proposals, **values
    )


@panel.get("/<section>")
@needs(P.SETTINGS_READ)
def section(section: str) -> str:
    return show_section(section_of(section))


@panel.post("/<section>")
@needs(P.SETTINGS_WRITE)
def look_at_section(section: str) -> AnyResponse | tuple[str, int] | str:
    return look(section_of(section))


@panel.post("/<section>/publish")
@needs(P.SETTINGS_WRITE, fresh=True, holds=True)
def publish_section(section: str) -> AnyResponse | tuple[str, int] | str:
    return publish(section_of(section))


@panel.get("/fees")
@needs(P.FINANCE_READ)
def fees() -> str:
    return show_section(_fees())


@panel.post("/fees")
@needs(P.FEES_WRITE)
def look_at_fees() -> AnyResponse | tuple[str, int] | str:
    return look(_fees())


@panel.post("/fees/publish")
@needs(P.FEES_WRITE, fresh=True, holds=True)
def publish_fees() -> AnyResponse | tuple[str, int] | str:
    return publish(_fees())


def _fees() -> Section:
    return named("fees")


def _set_here(section: Section) -> int:
    """Count the values of a section that the panel set."""
    return sum(section.owns(key) for key in current_brand().overrides.values)


def _keys(proposals: tuple[Revision, ...]) -> set[str]:
    return {key for revision in proposals for key in revision.changes}
