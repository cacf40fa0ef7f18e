"""What a follower reads when an order was refused before it was signed (`venues.signer`)."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import lazy_gettext  # type: ignore[import-untyped]
from flask_babel.speaklater import LazyString  # type: ignore[import-untyped]

from copydesk.trading import Denial

_D = Denial
SIGNER_SENTENCES: Mapping[str, tuple[LazyString, ...]] = {
    _D.SIGNER_UNREADY: (
        lazy_gettext("Refused before it was signed: what this site allows was not known at that moment."),
    ),
    _D.SIGNER_NOTIONAL_MAX: (
        lazy_gettext("Refused before it was signed: the order is worth more than this installation signs at once."),
    ),
    _D.SIGNER_ORDERS_MAX: (
        lazy_gettext("Refused before it was signed: this account had too many orders within a minute."),
    ),
    _D.SIGNER_PRICE_BAND: (
        lazy_gettext("Refused before it was signed: the order's price was too far from the market's."),
    ),
    _D.SIGNER_PRICE_UNKNOWN: (
        lazy_gettext("Refused before it was signed: neither the order nor the market told a price."),
    ),
}
