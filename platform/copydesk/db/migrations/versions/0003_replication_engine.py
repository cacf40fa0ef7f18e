"""The replication engine: what subscriptions, books, orders and receipts store beyond the first version."""

from __future__ import annotations

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what each part of the engine stores."""
    _fan_out()
    _lifecycle()
    _sizing()
    _orders()
    _decisions()
    _egress()


def downgrade() -> None:
    """Take it all away again."""


def _fan_out() -> None:
    """Make the fan-out cheap."""


def _lifecycle() -> None:
    """Joining late, detaching, leaving, liquidation, loops."""


def _sizing() -> None:
    """Smallest sizes, carried remainders, shared accounts."""


def _orders() -> None:
    """Resting orders copied as orders."""


def _decisions() -> None:
    """Why a copy is as large as it is."""


def _egress() -> None:
    """Outgoing addresses that keys are bound to."""
