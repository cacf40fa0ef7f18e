"""Asks for a new brand: each answer is judged at once, and all are shown before anything is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from copydesk.cli import show
from copydesk.cli.tenant_answers import MARKETS, Answers, Given, Ground, completed, require_slug
from copydesk.cli.tenant_colors import corrections_of
from copydesk.cli.tenant_draft import Grounds, judged
from copydesk.cli.tenant_source import Source, draft_of
from copydesk.kernel import InvalidInput
from copydesk.tenancy import Tenant

# Which keys of the file an answer decides: an error there is that answer's.
_KEYS: Mapping[str, tuple[str, ...]] = {
    "name": ("brand.name",),
    "tagline": ("brand.tagline",),
    "hosts": ("brand.hosts",),
    "theme": ("brand.theme",),
    "color": ("brand.colors",),
    "logo": ("brand.logo",),
    "locales": ("locales", "locale_default"),
    "markets": ("exchanges", "currency"),
    "exchanges": ("exchanges",),
    "time_zone": ("time_zone",),
}
_LISTS = ("hosts", "locales", "markets", "exchanges")


def ask(slug: str | None, ground: Ground, grounds: Grounds) -> tuple[str, Given]:
    """Ask for everything that makes a brand; raises click.Abort where the summary is not agreed to."""
    slug = slug or _slug(grounds)
    given = Given()
    for name, question, default in _questions(slug, ground):
        given = _asked(slug, given, ground, grounds, name=name, question=question, default=default)
    tenant = judged(draft_of(slug, given, Source(), ground), grounds)
    assert isinstance(tenant, Tenant), "every answer was judged before"
    _summary(completed(slug, given, ground), tenant, grounds)
    click.confirm("Make it?", default=True, abort=True, err=True)
    return slug, given


def _questions(slug: str, ground: Ground) -> tuple[tuple[str, str, Callable[[Given], str]], ...]:
    def filled(given: Given) -> Answers:
        return completed(slug, given, ground)

    themes = ", ".join(ground.themes)
    return (
        ("name", "Name", lambda given: filled(given).name),
        ("hosts", "Hosts, separated by commas", lambda given: ", ".join(filled(given).hosts)),
        ("theme", f"Theme ({themes})", lambda given: filled(given).theme),
        ("color", "Brand color", lambda given: filled(given).color),
        ("logo", "Logo file (svg, png, webp; empty for a monogram)", lambda _: ""),
        ("locales", "Languages, the default first", lambda given: ", ".join(filled(given).locales)),
        ("tagline", "One line under the name", lambda given: filled(given).tagline),
        ("markets", "Markets", lambda given: ", ".join(given.markets or MARKETS)),
        ("exchanges", "Exchanges", lambda given: ", ".join(f"{v}-{e}" for v, e, _ in filled(given).exchanges)),
        ("time_zone", "Time zone", lambda given: filled(given).time_zone),
    )


def _asked(
    slug: str,
    given: Given,
    ground: Ground,
    grounds: Grounds,
    *,
    name: str,
    question: str,
    default: Callable[[Given], str],
) -> Given:
    def judge(text: str) -> Given:
        told = replace(given, **{name: _value(name, text)})
        try:
            found = judged(draft_of(slug, told, Source(), ground), grounds)
        except InvalidInput as error:
            raise click.UsageError(str(error)) from None
        if isinstance(found, Tenant):
            _colors(name, found, grounds)
            return told
        wrong = [error for error in found if error.key.startswith(_KEYS[name])]
        if wrong:
            raise click.UsageError(f"expected {wrong[0].expected}, found {wrong[0].found}")
        return told

    answer: Given = click.prompt(question, default=default(given), value_proc=judge, err=True)
    return answer if isinstance(answer, Given) else judge(str(answer))


def _value(name: str, text: str) -> Any:
    text = text.strip()
    if name in _LISTS:
        return tuple(item.strip() for item in text.split(",") if item.strip()) or None
    if name == "logo":
        return Path(text).expanduser() if text else None
    return text or None


def _slug(grounds: Grounds) -> str:
    taken = {one.slug for one in grounds.others}

    def judge(text: str) -> str:
        try:
            slug = require_slug(text.strip())
        except InvalidInput as error:
            raise click.UsageError(str(error)) from None
        if slug in taken:
            raise click.UsageError(f"expected a slug that no brand has, found {slug}")
        return slug

    return str(click.prompt("Slug (the brand's folder; never changes)", value_proc=judge, err=True))


def _colors(name: str, tenant: Tenant, grounds: Grounds) -> None:
    if name == "color":
        click.echo(f"  {show.swatch(tenant.config.brand.colors.brand)}", err=True)
        for one in corrections_of(tenant, grounds.places.themes):
            click.echo(f"  note: {one}", err=True)


def _summary(answers: Answers, tenant: Tenant, grounds: Grounds) -> None:
    told = {
        "slug": answers.slug,
        "name": answers.name,
        "tagline": answers.tagline,
        "hosts": answers.hosts,
        "theme": answers.theme,
        "color": f"{answers.color} {show.swatch(answers.color)}",
        "logo": answers.logo or "a monogram",
        "locales": answers.locales,
        "exchanges": [f"{venue}-{environment}" for venue, environment, _ in answers.exchanges],
        "markets": answers.markets,
        "time zone": answers.time_zone,
        "currency": answers.currency,
    }
    click.echo("", err=True)
    show.facts(told, err=True)
    for one in corrections_of(tenant, grounds.places.themes):
        click.echo(f"note: {one}", err=True)
