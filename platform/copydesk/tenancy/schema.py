"""The shape of `tenants/<slug>/tenant.yaml`, version 2.

Holds what a brand is; how it behaves (`replication`, `risk`, `features`, …) are declared settings, read in
`values.py`. Pure.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from copydesk.tenancy.fields import (
    Currency,
    LetterKind,
    LocaleTag,
    LongText,
    Market,
    TimeZone,
    distinct,
    misfit,
    one_of,
    placeholders,
)
from copydesk.tenancy.kinds import Kind, key
from copydesk.tenancy.parts import (
    Brand,
    Colors,
    Exchange,
    Gateway,
    Letter,
    MarketTerms,
    Smtp,
    Strict,
    Surroundings,
)
from copydesk.trading import quote_currency

__all__ = [
    "SCHEMA_VERSION",
    "Brand",
    "Colors",
    "Exchange",
    "Gateway",
    "Letter",
    "MarketTerms",
    "Smtp",
    "Surroundings",
    "TenantConfig",
]

SCHEMA_VERSION = 2

Wording = dict[LocaleTag, dict[str, LongText]]


class TenantConfig(Strict):
    """A brand's file without its declared settings."""

    schema_version: Literal[2] = key("Schema", "The version of this file's shape.", Kind.WHOLE, alias="schema",
                                     panel=False)  # fmt: skip
    brand: Brand = key("Brand", "How the brand looks and where it is served.", Kind.MAPPING)
    locales: Annotated[tuple[LocaleTag, ...], Field(strict=False, min_length=1), AfterValidator(distinct)] = key(
        "Languages", "The languages that visitors choose from.", Kind.LOCALE
    )
    locale_default: str = key("First language", "The language of visitors whose own is not offered.", Kind.LOCALE)
    time_zone: TimeZone = key("Time zone", "An IANA name such as Europe/Berlin.", Kind.TIME_ZONE, default="UTC")
    currency: Currency = key(
        "Currency", "What equity is shown in and every market is quoted in.", Kind.TEXT, default="USDT", panel=False
    )
    exchanges: Annotated[tuple[Exchange, ...], Field(strict=False, min_length=1)] = key(
        "Exchanges", "Where accounts may live, each exchange and environment once.", Kind.LIST, sensitive=True
    )
    markets: dict[Market, MarketTerms] = key(
        "Markets", "Terms of single markets, by a symbol that an exchange lists.", Kind.MAPPING, default_factory=dict
    )
    smtp: Smtp | None = key(
        "Mail server", "Where mail leaves through; without one it is put into files.", Kind.MAPPING, default=None,
        sensitive=True,
    )  # fmt: skip
    payments: Annotated[tuple[Gateway, ...], Field(strict=False)] = key(
        "Payment providers", "Who takes payments, in the order of preference.", Kind.LIST, default=(), sensitive=True
    )
    kyc: Gateway | None = key(
        "Identity checks", "Who checks the identity of customers.", Kind.MAPPING, default=None, sensitive=True
    )
    wording: Wording = key(
        "Wording", "Own words for texts of the interface, by language and English original.", Kind.MAPPING,
        default_factory=dict,
    )  # fmt: skip
    letters: dict[LetterKind, dict[LocaleTag, Letter]] = key(
        "Letters", "Own words for mails, by kind of mail and language.", Kind.MAPPING, default_factory=dict
    )

    @field_validator("locale_default")
    @classmethod
    def _default_is_offered(cls, tag: str, info: ValidationInfo) -> str:
        offered = info.data.get("locales")
        if offered is not None and tag not in offered:
            raise misfit(one_of(offered, "one of `locales`"))
        return tag

    @field_validator("exchanges")
    @classmethod
    def _each_exchange_once(cls, exchanges: tuple[Exchange, ...]) -> tuple[Exchange, ...]:
        distinct(tuple(f"{exchange.venue} {exchange.environment}" for exchange in exchanges))
        return exchanges

    @field_validator("exchanges")
    @classmethod
    def _markets_are_quoted_in_the_currency(
        cls, exchanges: tuple[Exchange, ...], info: ValidationInfo
    ) -> tuple[Exchange, ...]:
        """Allocations, books and leaders' equity are all in the brand's currency, so every market must be too."""
        currency = info.data.get("currency")
        markets = [market for exchange in exchanges for market in exchange.markets]
        foreign = [market for market in markets if quote_currency(market) != currency]
        if currency and foreign:
            raise misfit(f"markets quoted in the brand's currency {currency}", ", ".join(foreign))
        return exchanges

    @field_validator("markets")
    @classmethod
    def _terms_are_of_listed_markets(
        cls, markets: dict[str, MarketTerms], info: ValidationInfo
    ) -> dict[str, MarketTerms]:
        listed = {market for exchange in info.data.get("exchanges", ()) for market in exchange.markets}
        unknown = sorted(markets.keys() - listed)
        if listed and unknown:
            raise misfit("markets that one of `exchanges` lists", ", ".join(unknown))
        spot = sorted(symbol for symbol, terms in markets.items() if terms.leverage_max and ":" not in symbol)
        if spot:
            raise misfit("leverage_max for perpetuals only", ", ".join(spot))
        return markets

    @field_validator("wording")
    @classmethod
    def _words_fill_in_the_same(cls, wording: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        for words in wording.values():
            for original, own in words.items():
                if placeholders(original) != placeholders(own):
                    names = ", ".join(f"%({name})s" for name in placeholders(original)) or "no placeholder"
                    raise misfit(f"{names} in the words for {original!r}", repr(own))
        return wording

    def markets_of(self, exchange: Exchange) -> tuple[str, ...]:
        """Return the markets of an exchange in which something may be opened: those that are not switched off."""
        return tuple(symbol for symbol in exchange.markets if self.terms_of(symbol).on)

    def terms_of(self, symbol: str) -> MarketTerms:
        """Return what a market is offered at; a market that the file does not name is on, without a cap of its own."""
        return self.markets.get(symbol, _TERMS)

    def secret_references(self) -> list[tuple[tuple[str | int, ...], str]]:
        """List every secret the file refers to, as (where, name)."""
        found: list[tuple[tuple[str | int, ...], str]] = []
        if self.smtp and self.smtp.password:
            found.append((("smtp", "password"), self.smtp.password))
        for index, gateway in enumerate(self.payments):
            found += [(("payments", index, "secrets", name), ref) for name, ref in gateway.secrets.items()]
        if self.kyc:
            found += [(("kyc", "secrets", name), ref) for name, ref in self.kyc.secrets.items()]
        return [(where, reference.removeprefix("secret:")) for where, reference in found]


_TERMS = MarketTerms()
