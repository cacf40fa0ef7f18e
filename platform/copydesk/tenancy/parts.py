"""The parts of a tenant file: how a brand looks, where it trades, whom it works with. Pure.

What lies on disk comes in as `Surroundings`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from copydesk.tenancy.fields import (
    STORED,
    BrokerId,
    Color,
    Email,
    Host,
    LongText,
    Market,
    Provider,
    Ratio,
    SecretReference,
    Text,
    distinct,
    misfit,
    one_of,
)
from copydesk.tenancy.kinds import Kind, key
from copydesk.trading import Environment

LEVERAGE_MOST = 125
_SECRET_LIKE = re.compile(r"secret|password|passphrase|private|token", re.IGNORECASE)
_STORED_NAME = re.compile(r"[0-9a-f]{32}\.[a-z0-9]{2,5}")
ASSET_ENDINGS = {"logo": (".svg", ".png", ".webp"), "favicon": (".svg", ".png", ".ico"), "font": (".woff2",)}


@dataclass(frozen=True)
class Surroundings:
    """What lies on disk around a tenant file: the names beside it, and the installed themes."""

    files: frozenset[str]
    themes: frozenset[str]


class Strict(BaseModel):
    """Refuse unknown keys and never convert: the text "25" is not the number 25."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Colors(Strict):
    """Color tokens. The theme derives the ramp and the text on it from `brand`; the rest have theme defaults."""

    brand: Color = key("Brand color", "The color that buttons, links and charts are derived from.", Kind.COLOR)
    accent: Color | None = key("Accent color", "A second color, for highlights.", Kind.COLOR, default=None)
    up: Color | None = key("Color of gains", "The color of gains and of what is bought.", Kind.COLOR, default=None)
    down: Color | None = key("Color of losses", "The color of losses and of what is sold.", Kind.COLOR, default=None)

    def tokens(self) -> dict[str, str]:
        """Return the given tokens only, so that the theme's own values stand for the others."""
        return {name: str(color) for name, color in self.model_dump(exclude_none=True).items()}


class Brand(Strict):
    """How the brand looks and where it is served.

    An asset is the name of a file beside the tenant file, or `stored:<name>` of one that was uploaded in the panel.
    """

    name: Text = key("Name", "The brand's name, as pages and mails say it.", Kind.TEXT)
    tagline: Text = key("Tagline", "One line under the name on the landing page.", Kind.TEXT)
    hosts: Annotated[tuple[Host, ...], Field(strict=False, min_length=1), AfterValidator(distinct)] = key(
        "Hosts",
        "The host names that serve this brand, without scheme or port; the first one stands in mails.",
        Kind.HOST,
        sensitive=True,
    )
    theme: str = key("Theme", "A folder of `themes/`: how pages are laid out.", Kind.CHOICE)
    colors: Colors = key("Colors", "The brand's colors; the theme derives accessible shades from them.", Kind.MAPPING)
    logo: str | None = key(
        "Logo", "A picture: svg, png or webp. Without one there is a monogram of the name.", Kind.FILE, default=None
    )
    favicon: str | None = key(
        "Icon",
        "The icon of browser tabs: svg, png or ico. Without one it is made from the logo.",
        Kind.FILE,
        default=None,
    )
    font: str | None = key("Font", "A woff2 file. Without one the theme's font stands.", Kind.FILE, default=None)
    radius_px: int = key("Roundness", "How round corners are.", Kind.WHOLE, default=10, ge=0, le=32, unit="px")
    density: Literal["comfortable", "compact"] = key(
        "Density", "How much room there is between rows.", Kind.CHOICE, default="comfortable"
    )

    @field_validator("theme")
    @classmethod
    def _theme_is_installed(cls, name: str, info: ValidationInfo) -> str:
        if info.context and name not in info.context.themes:
            raise misfit(one_of(list(info.context.themes), "an installed theme"))
        return name

    @field_validator("logo", "favicon", "font")
    @classmethod
    def _asset_lies_beside(cls, name: str | None, info: ValidationInfo) -> str | None:
        allowed = ASSET_ENDINGS[info.field_name or ""]
        if name is None:
            return None
        if name.startswith(STORED):
            if not _STORED_NAME.fullmatch(name.removeprefix(STORED)) or not name.endswith(allowed):
                raise misfit(f"stored: and the name of an uploaded {' or '.join(allowed)} file")
            return name
        if "/" in name or "\\" in name or not name.endswith(allowed):
            raise misfit(f"the name of a {' or '.join(allowed)} file beside the tenant file")
        if info.context and name not in info.context.files:
            raise misfit("a file beside the tenant file", f"no file {name!r} there")
        return name


class Exchange(Strict):
    """One exchange on which this brand's accounts live. `broker_id` earns the brand its rebate."""

    venue: Literal["binance", "okx", "bybit", "bitget"] = key("Exchange", "Which exchange it is.", Kind.CHOICE)
    environment: Annotated[Environment, Field(strict=False)] = key(
        "Environment", "`live` trades for real; `lab` is the simulated exchange.", Kind.CHOICE, panel=False
    )
    markets: Annotated[tuple[Market, ...], Field(strict=False, min_length=1), AfterValidator(distinct)] = key(
        "Markets",
        "What may be traded there: `BTC/USDT`, and `BTC/USDT:USDT` for the perpetual. All quoted in `currency`.",
        Kind.LINES,
    )
    broker_id: BrokerId | None = key(
        "Broker id", "The brand's id at the exchange, which earns the rebate.", Kind.TEXT, default=None
    )

    @field_validator("broker_id")
    @classmethod
    def _broker_id_fits_the_exchange(cls, broker_id: str | None, info: ValidationInfo) -> str | None:
        """A Binance broker id is part of every order id there, where it must leave room."""
        if broker_id and info.data.get("venue") == "binance" and not 6 <= len(broker_id) <= 9:
            raise misfit("6 to 9 letters or digits")
        return broker_id


class MarketTerms(Strict):
    """What one market is offered at. A market that is off opens nothing anywhere; what is held can be closed."""

    on: bool = key("On", "Whether anything is opened in this market; closes go on when it is off.", Kind.SWITCH,
                   default=True)  # fmt: skip
    leverage_max: int | None = key(
        "Leverage at most",
        "The most leverage that copies of this perpetual take; empty leaves it to replication.leverage_max.",
        Kind.WHOLE,
        default=None,
        ge=1,
        le=LEVERAGE_MOST,
    )
    payout_weekday_ratio: Ratio = key(
        "Payout on weekdays", "The share of earnings paid out from Monday to Friday (0 to 1).", Kind.NUMBER,
        default=Decimal(1), sensitive=True, bounds=(0, 1),
    )  # fmt: skip
    payout_weekend_ratio: Ratio = key(
        "Payout on weekends", "The share of earnings paid out on Saturday and Sunday (0 to 1).", Kind.NUMBER,
        default=Decimal(1), sensitive=True, bounds=(0, 1),
    )  # fmt: skip


class Smtp(Strict):
    """The mail server that the brand's messages leave through."""

    host: Host = key("Server", "The mail server's host name.", Kind.HOST)
    port: int = key("Port", "The mail server's port.", Kind.WHOLE, default=587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = key(
        "Encryption", "How the connection is encrypted.", Kind.CHOICE, default="starttls"
    )
    username: Text | None = key("User", "The name that the platform signs in with.", Kind.TEXT, default=None)
    password: SecretReference | None = key(
        "Password",
        "A reference such as `secret:smtp_password`; the value lies in the vault.",
        Kind.SECRET,
        default=None,
    )
    from_address: Email = key("Sender", "The address that mails come from.", Kind.TEXT, alias="from")


class Gateway(Strict):
    """One outside provider. `public` may be shown in a browser; `secrets` are references only."""

    provider: Provider = key("Provider", "The provider's name in lower case, such as stripe.", Kind.TEXT)
    public: dict[str, Text] = key(
        "Public values", "What a browser may see, such as a publishable key.", Kind.MAPPING, default_factory=dict
    )
    secrets: dict[str, SecretReference] = key(
        "Secrets", "References such as `secret:stripe_key`; the values lie in the vault.", Kind.MAPPING,
        default_factory=dict,
    )  # fmt: skip

    @field_validator("public")
    @classmethod
    def _public_holds_no_secret(cls, fields: dict[str, str]) -> dict[str, str]:
        private = sorted(name for name in fields if _SECRET_LIKE.search(name))
        if private:
            raise misfit("only what a browser may see (move the rest to `secrets`)", ", ".join(private))
        return fields


class Letter(Strict):
    """A mail in the brand's own words, in one language; what is left out keeps the platform's words."""

    subject: Text | None = key("Subject", "The subject line.", Kind.TEXT, default=None)
    lines: Annotated[tuple[LongText, ...], Field(strict=False)] = key(
        "Text", "The paragraphs of the mail.", Kind.LINES, default=()
    )
