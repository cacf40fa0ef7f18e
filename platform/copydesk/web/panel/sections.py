"""The sections of the config panel: one row each, in the order of the navigation.

A section is made of declared keys, and gets its form from them. Where a form of fields is not enough it names an
`Editor`; where pages of its own are needed, a module beside this one writes them on the blueprint under the same name
(`own_pages=True`), and the row only lists it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from flask_babel import lazy_gettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.identity.access import Permission
from copydesk.kernel import NotFound
from copydesk.tenancy import Tenant
from copydesk.tenancy.declared import Declared, declared
from copydesk.web.panel.desk import theme_names
from copydesk.web.panel.exchanges import ExchangesEditor
from copydesk.web.panel.forms import Parsed, Typed, form_of, has_hint, parse
from copydesk.web.panel.languages import LanguagesEditor
from copydesk.web.panel.letters import LettersEditor
from copydesk.web.panel.mail_editor import MailEditor
from copydesk.web.panel.markets import MarketsEditor
from copydesk.web.panel.provider_books import KycBook, PaymentsBook
from copydesk.web.panel.provider_editor import ProvidersEditor
from copydesk.web.panel.wording import WordingEditor


class Editor(Protocol):
    """How a section is shown and read where fields in a column are not enough."""

    def shown(self, tenant: Tenant, typed: Typed | None, errors: Mapping[str, str]) -> Mapping[str, Any]:
        """Return the values of the section's template, with what was typed where a form was sent."""
        ...

    def read(self, tenant: Tenant, typed: Typed) -> Parsed:
        """Return what the form changes; whole values for lists and maps."""
        ...


@dataclass(frozen=True)
class Section:
    """One page of the panel. A key that ends with a point stands for every setting below it."""

    slug: str
    title: LazyString
    words: LazyString
    keys: tuple[str, ...] = ()
    reads: Permission = Permission.SETTINGS_READ
    writes: Permission = Permission.SETTINGS_WRITE
    template: str = "panel/section.html"
    editor: Editor | None = None
    own_pages: bool = False

    @property
    def path(self) -> str:
        return f"/panel/{self.slug}"

    def declareds(self) -> tuple[Declared, ...]:
        """Return the declarations that the brand's own people may change here, in the section's order."""
        known = [one for one in declared() if one.panel and one.whole == one.key]
        return tuple(one for key in self.keys for one in known if holds(key, one.key))

    def owns(self, key: str) -> bool:
        """Tell whether a changed key is this section's."""
        return any(holds(mine, key) for mine in self.keys)

    def shown(self, tenant: Tenant, typed: Typed | None, errors: Mapping[str, str]) -> Mapping[str, Any]:
        if self.editor:
            return self.editor.shown(tenant, typed, errors)
        choices = {"brand.theme": theme_names()} if self.owns("brand.theme") else {}
        return {"rows": form_of(self.declareds(), tenant, typed, errors, choices)}

    def read(self, tenant: Tenant, typed: Typed) -> Parsed:
        return self.editor.read(tenant, typed) if self.editor else parse(typed, self.declareds(), tenant)


def holds(mine: str, key: str) -> bool:
    """Tell whether a section's key names this one, or everything below which it stands."""
    return key.startswith(mine) if mine.endswith(".") else key == mine


SECTIONS: tuple[Section, ...] = (
    Section(
        "brand",
        lazy_gettext("Brand"),
        lazy_gettext("Name, colors, logo and shape of the site."),
        keys=(
            *("brand.name", "brand.tagline", "brand.theme", "brand.colors.", "brand.logo", "brand.favicon"),
            *("brand.font", "brand.radius_px", "brand.density", "time_zone"),
        ),
        template="panel/brand.html",
        own_pages=True,
    ),
    Section(
        "hosts",
        lazy_gettext("Addresses"),
        lazy_gettext("Under which host names the site is served, and what browsers are told about it."),
        keys=("brand.hosts", "security."),
    ),
    Section(
        "markets",
        lazy_gettext("Markets"),
        lazy_gettext("Which pairs are opened, where, with how much leverage, and what is paid out for them."),
        keys=("exchanges", "markets"),
        template="panel/markets.html",
        editor=MarketsEditor(),
    ),
    Section(
        "exchanges",
        lazy_gettext("Exchanges"),
        lazy_gettext("Where orders go, and the broker codes that they carry."),
        keys=("exchanges",),
        template="panel/exchanges.html",
        editor=ExchangesEditor(),
    ),
    Section(
        "trading",
        lazy_gettext("Copying"),
        lazy_gettext("How closely a copy follows the trader, and when it is left out."),
        keys=("replication.",),
    ),
    Section(
        "risk",
        lazy_gettext("Risk"),
        lazy_gettext("Limits that hold for everybody, and the profiles that followers pick from."),
        keys=("risk.",),
    ),
    Section(
        "ranking",
        lazy_gettext("Ranking"),
        lazy_gettext("What the score is made of, and what a strategy must hold to have a place. Both are public."),
        keys=(
            *("ranking.weight_risk_adjusted", "ranking.weight_followers", "ranking.weight_drawdown"),
            *("ranking.weight_length", "ranking.weight_own_stake", "ranking.weight_fidelity"),
            *("ranking.weight_popularity", "ranking.days_min", "ranking.closed_min", "ranking.drawdown_ratio_max"),
            "ranking.risk_max",
        ),
    ),
    Section(
        "traders",
        lazy_gettext("Traders"),
        lazy_gettext("How long a new strategy is on probation, and the bounds of what traders may ask of followers."),
        keys=("studio.", "terminal."),
    ),
    Section(
        "fees",
        lazy_gettext("Fees"),
        lazy_gettext("What copying costs, and who gets it. A change waits for a second person."),
        keys=("fees.",),
        reads=Permission.FINANCE_READ,
        writes=Permission.FEES_WRITE,
        own_pages=True,
    ),
    Section(
        "accounts",
        lazy_gettext("Accounts"),
        lazy_gettext("Who may register, how sign-ins are protected, and what exchange keys must be like."),
        keys=("identity.", "keys."),
    ),
    Section(
        "payments",
        lazy_gettext("Payments"),
        lazy_gettext("Who takes payments, and the keys for it. Nothing is charged yet; keys are tested and kept."),
        keys=("payments",),
        template="panel/providers.html",
        editor=ProvidersEditor(PaymentsBook()),
        own_pages=True,
    ),
    Section(
        "kyc",
        lazy_gettext("Identity checks"),
        lazy_gettext("Who checks that people are who they say. Nobody is asked yet; keys are tested and kept."),
        keys=("kyc.",),
        template="panel/providers.html",
        editor=ProvidersEditor(KycBook()),
        own_pages=True,
    ),
    Section(
        "mail",
        lazy_gettext("Mail server"),
        lazy_gettext("Where the brand's mails leave through. Send yourself one before you publish."),
        keys=("smtp.",),
        template="panel/mail.html",
        editor=MailEditor(),
        own_pages=True,
    ),
    Section(
        "letters",
        lazy_gettext("Mails"),
        lazy_gettext("What the brand's mails say, for each language. What you leave empty keeps the usual words."),
        keys=("letters",),
        template="panel/letters.html",
        editor=LettersEditor(),
    ),
    Section(
        "notices",
        lazy_gettext("Notices"),
        lazy_gettext("What people are told of their copies and accounts: how long it is kept, and by which ways."),
        keys=("notices.",),
    ),
    Section(
        "guests",
        lazy_gettext("Demo accounts"),
        lazy_gettext("Trying the site with simulated money, without registering."),
        keys=("guests.",),
    ),
    Section(
        "legal",
        lazy_gettext("Legal texts"),
        lazy_gettext("Terms, privacy, risk and imprint: in versions, with who agreed to which."),
        own_pages=True,
    ),
    Section(
        "languages",
        lazy_gettext("Languages"),
        lazy_gettext("Which languages visitors choose from, and which one comes first."),
        keys=("locales", "locale_default", "time_zone"),
        template="panel/languages.html",
        editor=LanguagesEditor(),
    ),
    Section(
        "wording",
        lazy_gettext("Wording"),
        lazy_gettext("What your brand calls things, on pages and in mails."),
        keys=("wording",),
        template="panel/wording.html",
        editor=WordingEditor(),
    ),
    Section(
        "features",
        lazy_gettext("Features"),
        lazy_gettext("What the site has. What is off is nowhere: not in the navigation, not under its address."),
        keys=("features.",),
    ),
)


def section_of(slug: str) -> Section:
    """Return a section that the shared pages show; raises `NotFound` for others, and where it has pages of its own."""
    found = named(slug)
    if found.own_pages:
        raise NotFound("This section has a page of its own.")
    return found


def named(slug: str) -> Section:
    """Return a section by its name; raises `NotFound`."""
    found = next((section for section in SECTIONS if section.slug == slug), None)
    if found is None:
        raise NotFound("There is no such section.")
    return found


def section_for(key: str) -> Section | None:
    """Return the section where a key is changed."""
    return next((section for section in SECTIONS if section.owns(key)), None)


def hint_texts() -> frozenset[str]:
    """Return what declarations say of themselves in forms: texts for the catalogs, though nothing marks them so."""
    derived = [section for section in SECTIONS if section.editor is None]
    return frozenset(one.help for section in derived for one in section.declareds() if has_hint(one))
