"""What a new brand is: answers that were given, completed by what follows from the slug and the installation. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from copydesk.kernel import InvalidInput
from copydesk.tenancy import closest
from copydesk.trading import quote_currency

SLUG = re.compile(r"[a-z][a-z0-9-]{0,30}\Z")
VENUES = ("binance", "okx", "bybit", "bitget")
ENVIRONMENTS = ("lab", "live")
MARKETS = ("BTC/USDT", "ETH/USDT")
# A brand that names no color gets the first of these that its theme can use as it is.
COLORS = ("#2563eb", "#c2410c", "#22d3ee")
# Neutral until the brand writes its own.
TAGLINES: Mapping[str, str] = {
    "en": "Copy traders whose record you can check",
    "de": "Trader kopieren, deren Ergebnisse sich prüfen lassen",
    "es": "Copia a operadores cuyo historial puedes comprobar",
    "tr": "Geçmişini kontrol edebildiğin yatırımcıları kopyala",
    "ar": "انسخ صفقات متداولين يمكنك التحقق من سجلهم",
}
_LISTS = ("hosts", "locales", "markets", "exchanges")


@dataclass(frozen=True)
class Ground:
    """What the installation offers: its themes, what each simulated exchange lists, and whether one runs here.

    `colors` has, by theme, the color that a brand gets which names none.
    """

    themes: tuple[str, ...] = ("core",)
    lab: Mapping[str, frozenset[str]] = field(default_factory=dict)
    lab_runs: bool = False
    colors: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> str:
        """Return where a new brand trades unless told otherwise."""
        return "lab" if self.lab_runs else "live"


@dataclass(frozen=True)
class Answers:
    """Everything that makes a brand's first file; `exchanges` are (venue, environment, its markets)."""

    slug: str
    name: str
    tagline: str
    hosts: tuple[str, ...]
    theme: str
    color: str
    locales: tuple[str, ...]
    markets: tuple[str, ...]
    exchanges: tuple[tuple[str, str, tuple[str, ...]], ...]
    time_zone: str = "UTC"
    currency: str = "USDT"
    logo: Path | None = None


@dataclass(frozen=True)
class Given:
    """What somebody answered; None where nothing was said."""

    name: str | None = None
    tagline: str | None = None
    hosts: Sequence[str] | None = None
    theme: str | None = None
    color: str | None = None
    locales: Sequence[str] | None = None
    markets: Sequence[str] | None = None
    exchanges: Sequence[str] | None = None
    time_zone: str | None = None
    currency: str | None = None
    logo: Path | None = None

    @property
    def nothing(self) -> bool:
        """Tell whether not a single answer was given."""
        return all(getattr(self, one.name) is None for one in fields(self))

    def over(self, weaker: Given) -> Given:
        """Return both together; where both say something, this one holds."""
        told = {one.name: getattr(self, one.name) for one in fields(self) if getattr(self, one.name) is not None}
        return replace(weaker, **told)


def require_slug(slug: str) -> str:
    """Return the slug, or refuse one that can be no folder of a brand."""
    if not SLUG.match(slug):
        raise InvalidInput(
            f"slug: expected 1 to 31 lower-case letters, digits and hyphens, a letter first, found {slug!r}"
        )
    return slug


def given_by(document: Mapping[str, Any], *, source: str) -> Given:
    """Read answers from a file's keys; raises InvalidInput naming the key that is unknown or of another kind."""
    known = [one.name for one in fields(Given)]
    told: dict[str, Any] = {}
    for key, value in document.items():
        if key not in known:
            near = closest(key, known)
            hint = f" (did you mean {near}?)" if near else ""
            raise InvalidInput(f"{source}: {key}: expected one of {', '.join(known)}{hint}, found an unknown key")
        wants_list = key in _LISTS
        items = value if isinstance(value, list) else [value]
        if not all(isinstance(item, str) for item in items) or (isinstance(value, list) and not wants_list):
            raise InvalidInput(
                f"{source}: {key}: expected {'a list of texts' if wants_list else 'text'}, found {value!r}"
            )
        told[key] = tuple(items) if wants_list else Path(value) if key == "logo" else value
    return Given(**told)


def completed(slug: str, given: Given, ground: Ground) -> Answers:
    """Fill in what was left open; raises InvalidInput for an exchange or a market that cannot be had."""
    require_slug(slug)
    locales = tuple(given.locales or ("en",))
    theme = given.theme or ground.themes[0]
    markets = tuple(dict.fromkeys(given.markets or MARKETS))
    quote = quote_currency(markets[0])
    return Answers(
        slug=slug,
        name=given.name or " ".join(word.capitalize() for word in slug.split("-") if word),
        tagline=given.tagline or tagline(locales[0]),
        hosts=tuple(given.hosts or (f"{slug}.localhost",)),
        theme=theme,
        color=given.color or ground.colors.get(theme, COLORS[0]),
        locales=locales,
        markets=markets,
        exchanges=_exchanges(given.exchanges, markets, ground),
        time_zone=given.time_zone or "UTC",
        currency=given.currency or quote or "USDT",
        logo=given.logo,
    )


def tagline(locale: str) -> str:
    """Return a neutral tagline in a locale's language; English where we have none."""
    return TAGLINES.get(re.split(r"[_-]", locale)[0], TAGLINES["en"])


def exchange_of(text: str, ground: Ground) -> tuple[str, str]:
    """Read "okx" or "okx-live"; raises InvalidInput."""
    venue, _, environment = text.partition("-")
    environment = environment or ground.environment
    if venue not in VENUES or environment not in ENVIRONMENTS:
        raise InvalidInput(
            f"exchange: expected one of {', '.join(VENUES)}, alone or with -lab or -live, found {text!r}"
        )
    return venue, environment


def _exchanges(
    named: Sequence[str] | None, markets: tuple[str, ...], ground: Ground
) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """List each exchange with those markets that it has; what a real one lists only the doctor can ask."""
    chosen = []
    for venue, environment in dict.fromkeys(exchange_of(one, ground) for one in named or VENUES):
        listed = ground.lab.get(venue) if environment == "lab" else None
        here = tuple(market for market in markets if listed is None or market in listed)
        if here:
            chosen.append((venue, environment, here))
    had = {market for _, _, here in chosen for market in here}
    missing = [market for market in markets if market not in had]
    if missing:
        listed_somewhere = sorted(set().union(*ground.lab.values())) if ground.lab else []
        raise InvalidInput(
            f"markets: expected some that a chosen exchange lists ({', '.join(listed_somewhere)}), "
            f"found {', '.join(missing)}"
        )
    return tuple(chosen)
