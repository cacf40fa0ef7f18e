"""Writes letters: the brand's name and color, the reader's language, text with HTML beside it.

A letter links to the brand's own site and nowhere else, shows no picture, and tells nobody that it was read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from babel.dates import format_datetime
from flask import Flask
from flask_babel import get_locale, get_timezone, gettext  # type: ignore[import-untyped]
from jinja2 import TemplateError

from copydesk.kernel import ConfigError
from copydesk.notifications import Kind, Letter, Postponed, Waiting
from copydesk.notifications.own_letters import OwnLetter, filled, letter_faults
from copydesk.tenancy import Tenant
from copydesk.web.format import isolated
from copydesk.web.mail_facts import safe_facts
from copydesk.web.mail_words import TEXTS, said
from copydesk.web.notice_letters import only_one, told_facts
from copydesk.web.site import Site, current_site
from copydesk.web.suspended import may_leave
from copydesk.web.theme import current_themes
from copydesk.web.voice import BrandVoice

_SENDER_DEFAULT = "no-reply"


class LetterWriter:
    """Write letters outside any request. `site_url` gives the origin of a brand's site for its host."""

    def __init__(self, app: Flask, brands: Callable[[], Mapping[str, int]], site_url: Callable[[str], str]) -> None:
        self._voice = BrandVoice(app, brands, site_url)

    def write(self, waiting: Waiting) -> Letter:
        tenant = self._voice.tenant(waiting.tenant_id)
        if not may_leave(tenant, waiting.kind):
            raise Postponed("the brand is suspended")
        with self._voice.speaking(tenant, waiting.locale) as origin:
            site = current_site()
            try:
                return written(waiting, site, origin, own_letter(tenant, waiting.kind, site.locale))
            except TemplateError as error:
                raise ConfigError(f"theme {tenant.theme}: the mail templates fail: {error}") from error


def written(waiting: Waiting, site: Site, origin: str, own: OwnLetter | None) -> Letter:
    """Write one letter in the language of the moment: in the brand's own words, or in the platform's."""
    tenant, text = site.tenant, TEXTS[waiting.kind]
    told = {**waiting.facts, **waiting.secret_facts}
    path = told.pop("link", "")
    facts = {"brand": tenant.name, **safe_facts(told, _moment), **told_facts(waiting)}
    subject = filled(own.subject, facts) if own and own.subject else said(text.subject, facts)
    if waiting.kind is Kind.NOTICE and (only := only_one(waiting.facts)) is not None:
        subject, path = (subject if own and own.subject else only[0]), only[1]
    shows_link = bool(path) and text.button is not None
    own_lines = [filled(one, facts) for one in own.lines] if own else []
    lines = own_lines or [said(one, facts) for one in text.sentences]
    values = frame_values(site) | {
        "subject": subject or said(text.subject, facts) or tenant.name,
        "sentences": [part for line in lines if line for part in line.splitlines()],
        "button": str(text.button) if shows_link else "",
        "link": origin + path if shows_link else "",
        "alarm": str(text.alarm) if text.alarm is not None else "",
    }
    return assembled(site, values, number=waiting.id, to=waiting.to, at=waiting.queued_at)


def frame_values(site: Site) -> dict[str, Any]:
    """Return what stands around the words of every letter of a brand."""
    tenant = site.tenant
    return {
        "brand": tenant.name,
        "color": tenant.config.brand.colors.brand,
        "on_color": on_color(tenant.config.brand.colors.brand),
        "host": tenant.hosts[0],
        "lang": site.lang,
        "direction": site.direction,
        "subject": "",
        "sentences": [],
        "button": "",
        "link": "",
        "alarm": "",
        "why": gettext("You get this message because this address was given at %(host)s.", host=tenant.hosts[0]),
    }


def assembled(site: Site, values: Mapping[str, Any], *, number: int, to: str, at: datetime) -> Letter:
    """Return a letter that leaves as the brand's, with the same words as text and as HTML."""
    tenant = site.tenant
    smtp = tenant.config.smtp
    return Letter(
        id=number,
        to=to,
        sender_name=tenant.name,
        sender=smtp.from_address if smtp else f"{_SENDER_DEFAULT}@{tenant.hosts[0]}",
        subject=str(values["subject"]),
        text=_plain(values),
        html=current_themes().render(tenant.theme, "mail/letter.html", values),
        lang=site.lang,
        at=at,
    )


def own_letter(tenant: Tenant, kind: Kind, locale: str) -> OwnLetter | None:
    """Return the brand's own words for a kind in a language, None where it has none, or none that can be said."""
    spoken = tenant.config.letters.get(str(kind), {})
    found = spoken.get(locale) or spoken.get(locale.partition("_")[0])
    return found if found is not None and not letter_faults(str(kind), found) else None


def _plain(values: Mapping[str, Any]) -> str:
    """Say the same without any form, for who reads mail as text."""
    link = [f"{values['button']}:\n{values['link']}"] if values["link"] else []
    alarm = [values["alarm"]] if values["alarm"] else []
    foot = f"-- \n{values['brand']} · {values['host']}\n{values['why']}\n"
    return "\n\n".join([values["subject"], "\n".join(values["sentences"]), *link, *alarm, foot])


def on_color(color: str) -> str:
    """Return black or white, whichever reads better on the color (WCAG 2.2, relative luminance)."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#ffffff" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else "#000000"


def _moment(moment: datetime) -> str:
    return isolated(str(format_datetime(moment, "long", tzinfo=get_timezone(), locale=get_locale())))
