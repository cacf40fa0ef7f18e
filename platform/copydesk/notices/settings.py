"""Settings of notices: how long they are kept, how often a channel is tried, who carries them."""

from __future__ import annotations

from copydesk.kernel import Setting, registry

KEPT_DAYS = registry.declare(
    Setting(
        "notices.kept_days",
        default=90,
        minimum=7,
        maximum=730,
        help="After how many days a notice, and what became of its deliveries, is deleted.",
        unit="days",
    )
)
DEVICES_MAX = registry.declare(
    Setting(
        "notices.devices_max",
        default=10,
        minimum=1,
        maximum=50,
        help="How many browsers one person may have notices pushed to; one more takes the oldest one's place.",
    )
)
DIGEST_HOUR = registry.declare(
    Setting(
        "notices.digest_hour",
        default=8,
        minimum=0,
        maximum=23,
        help="At which hour of their own day people get the daily digest.",
        unit="h",
    )
)
WARN_AT_PERCENT = registry.declare(
    Setting(
        "notices.warn_at_percent",
        default=80,
        minimum=50,
        maximum=99,
        help="How much of the way to a limit that closes positions is gone when its follower is warned.",
        unit="%",
    )
)
TELEGRAM_BOT = registry.declare(
    Setting(
        "notices.telegram_bot",
        default="",
        help="Name of the brand's Telegram bot, without @; its token is the secret telegram_bot_token. Empty: people "
        "cannot connect Telegram.",
    )
)
PUSH_CONTACT = registry.declare(
    Setting(
        "notices.push_contact",
        default="",
        help="Address that push services write to when messages make trouble (mailto: or https:). Empty: the page of "
        "the brand's first host.",
    )
)
TELEGRAM_URL = registry.declare(
    Setting(
        "notices.telegram_url",
        default="https://api.telegram.org",
        scope="installation",
        help="Where the Telegram Bot API lives; another one for a bot server of one's own, and for tests.",
    )
)
PRIVATE_TARGETS = registry.declare(
    Setting(
        "notices.private_targets",
        default=False,
        scope="installation",
        help="Whether webhooks and push may lead into private networks, over plain HTTP too: for tests and "
        "development alone, because anybody who may connect a webhook could then reach what only this machine can.",
    )
)
