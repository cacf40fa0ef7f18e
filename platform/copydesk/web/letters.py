"""Writes letters: the brand's name and color, the reader's language, text with HTML beside it.

A letter links to the brand's own site and nowhere else, shows no picture, and tells nobody that it was read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from babel.dates import format_datetime
from flask import Flask
from flask_babel import get_locale, get_timezone, gettext  # type: ignore[import-untyped]
from jinja2 import TemplateError

from copydesk.kernel import ConfigError
from copydesk.notifications import Letter, Waiting
from copydesk.tenancy import Tenant
from copydesk.web.format import isolated
from copydesk.web.mail_facts import safe_facts
from copydesk.web.mail_words import TEXTS, said
from copydesk.web.site import Site, Sites, current_site
from copydesk.web.theme import current_themes

_SENDER_DEFAULT = "no-reply"


class LetterWriter:
    """Write letters outside any request. `site_url` gives the origin of a brand's site for its host."""

    def __init__(self, app: Flask, brands: Callable[[], Mapping[str, int]], site_url: Callable[[str], str]) -> None:
        self._app = app
        self._brands = brands
        self._site_url = site_url

    def write(self, waiting: Waiting) -> Letter:
        tenant = self._tenant(waiting.tenant_id)
        locale = waiting.locale if waiting.locale in tenant.config.locales else tenant.config.locale_default
        with self._as_brand(tenant, locale) as origin:
            try:
                return _letter(waiting, current_site(), origin)
            except TemplateError as error:
                raise ConfigError(f"theme {tenant.theme}: the mail templates fail: {error}") from error

    def _tenant(self, tenant_id: int) -> Tenant:
        slug = next((slug for slug, known in self._brands().items() if known == tenant_id), "")
        sites: Sites = self._app.extensions["copydesk_sites"]
        tenant = sites.by_slug(slug)
        if tenant is None:
            raise ConfigError(f"brand {slug or tenant_id} has no valid tenant file")
        return tenant

    @contextmanager
    def _as_brand(self, tenant: Tenant, locale: str) -> Iterator[str]:
        """Enter the brand by its own first host; yields the origin that links begin with."""
        sites: Sites = self._app.extensions["copydesk_sites"]
        host = tenant.hosts[0]
        origin = self._site_url(host).rstrip("/")
        with self._app.test_request_context(base_url=origin):
            sites.enter(tenant, locale, host)
            yield origin


def _letter(waiting: Waiting, site: Site, origin: str) -> Letter:
    tenant, text = site.tenant, TEXTS[waiting.kind]
    told = {**waiting.facts, **waiting.secret_facts}
    path = told.pop("link", "")
    shows_link = bool(path) and text.button is not None
    facts = {"brand": tenant.name, **safe_facts(told, _moment)}
    values = {
        "brand": tenant.name,
        "color": tenant.config.brand.colors.brand,
        "on_color": on_color(tenant.config.brand.colors.brand),
        "host": tenant.hosts[0],
        "lang": site.lang,
        "direction": site.direction,
        "subject": said(text.subject, facts),
        "sentences": [sentence for sentence in (said(one, facts) for one in text.sentences) if sentence],
        "button": str(text.button) if shows_link else "",
        "link": origin + path if shows_link else "",
        "alarm": str(text.alarm) if text.alarm is not None else "",
        "why": gettext("You get this message because this address was given at %(host)s.", host=tenant.hosts[0]),
    }
    smtp = tenant.config.smtp
    return Letter(
        id=waiting.id,
        to=waiting.to,
        sender_name=tenant.name,
        sender=smtp.from_address if smtp else f"{_SENDER_DEFAULT}@{tenant.hosts[0]}",
        subject=str(values["subject"]),
        text=_plain(values),
        html=current_themes().render(tenant.theme, "mail/letter.html", values),
        lang=site.lang,
        at=waiting.queued_at,
    )


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
