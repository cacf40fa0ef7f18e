"""How each person reads the site: light or dark, and in which time zone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_CHOICES = ("scheme", "time_zone")


def upgrade() -> None:
    """Add what a person may choose; "" keeps the brand's, or the browser's, own way."""
    for name in _CHOICES:
        op.add_column("user_account", sa.Column(name, sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    """Take the choices away again."""
    for name in _CHOICES:
        op.drop_column("user_account", name)
