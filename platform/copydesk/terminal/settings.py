"""Settings of the terminal."""

from __future__ import annotations

from copydesk.kernel import Setting, registry

CONFIRM_ABOVE_PERCENT = registry.declare(
    Setting(
        "terminal.confirm_above_percent",
        default=25,
        minimum=1,
        maximum=10_000,
        help="A market order in the terminal that is worth more than this share of the account's equity is asked about "
        "once more before it is sent; so is one of an account whose equity is not known.",
        unit="%",
    )
)
