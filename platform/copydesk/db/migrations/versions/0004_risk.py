"""The risk engine: what books are worth, and what limits, acts and switches store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what each part of the engine stores."""
    _worth()


def downgrade() -> None:
    """Take it all away again."""
    _no_worth()


def _worth() -> None:
    """What a book has earned besides what it holds."""
    op.add_column(
        "book", sa.Column("cash", sa.Numeric(precision=38, scale=18), server_default=sa.text("0"), nullable=False)
    )


def _no_worth() -> None:
    op.drop_column("book", "cash")
