"""Settings of the exchange connections."""

from __future__ import annotations

from copydesk.kernel import Setting, registry

CONNECTIONS_MAX = registry.declare(
    Setting(
        "venues.connections_max",
        default=1_000,
        minimum=1,
        maximum=5_000,
        scope="installation",
        help="Most keep-alive connections that one replicator opens to one address of an exchange (Binance has two).",
    )
)
CONNECTIONS_WARM = registry.declare(
    Setting(
        "venues.connections_warm",
        default=200,
        minimum=0,
        maximum=5_000,
        scope="installation",
        help="Connections to each address of an exchange that a replicator opens before the first copy needs them.",
    )
)
EGRESS = registry.declare(
    Setting(
        "venues.egress",
        default=[],
        scope="installation",
        help="Local addresses, besides the usual one, that exchanges may be spoken to from; keys can be bound to each.",
    )
)
REPLICATORS = registry.declare(
    Setting(
        "venues.replicators",
        default=1,
        minimum=1,
        maximum=16,
        scope="installation",
        help="Most replicators that run at once; each has an equal share of what exchanges allow, and leases the rest.",
    )
)
SIGNER_NOTIONAL_MAX = registry.declare(
    Setting(
        "signer.notional_max",
        default=1_000_000,
        minimum=1,
        maximum=1_000_000_000,
        scope="installation",
        help="Most that one order which opens may be worth, in its brand's currency; larger ones are not signed.",
    )
)
SIGNER_ORDERS_MAX = registry.declare(
    Setting(
        "signer.orders_per_minute_max",
        default=600,
        minimum=1,
        maximum=6_000,
        scope="installation",
        help="Most orders which open that are signed for one account in a minute, by one process.",
    )
)
SIGNER_BAND_BPS = registry.declare(
    Setting(
        "signer.price_band_bps",
        default=2_000,
        minimum=50,
        maximum=10_000,
        scope="installation",
        help="How much worse than the market's last price, in basis points, an order which opens may be priced.",
    )
)
LAB_REST_URL = registry.declare(
    Setting(
        "venues.lab_rest_url",
        default="http://127.0.0.1:8010",
        scope="installation",
        help="REST address of the simulated exchange; the environment variable COPYDESK_LAB_REST overrides it.",
    )
)
LAB_STREAM_URL = registry.declare(
    Setting(
        "venues.lab_stream_url",
        default="ws://127.0.0.1:8011",
        scope="installation",
        help="Stream address of the simulated exchange; the environment variable COPYDESK_LAB_STREAM overrides it.",
    )
)
