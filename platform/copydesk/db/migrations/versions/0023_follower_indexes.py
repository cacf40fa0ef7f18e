"""What somebody owns is found by who they are: their exchange accounts, and what these copy."""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Index accounts by their owner, subscriptions by their account."""
    op.create_index("ix_account_user", "account", ["tenant_id", "user_id"])
    op.create_index("ix_subscription_account", "subscription", ["tenant_id", "account_id"])


def downgrade() -> None:
    """Take the indexes away again."""
    op.drop_index("ix_subscription_account", table_name="subscription")
    op.drop_index("ix_account_user", table_name="account")
