"""Data keys by purpose: what opens a visitor's second factor opens no exchange key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from copydesk.db.security import APP_ROLE, grant

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give every data key a purpose; those that there are seal exchange keys."""
    op.add_column("data_key", sa.Column("purpose", sa.Text(), server_default="exchange", nullable=False))
    op.drop_constraint("pk_data_key", "data_key", type_="primary")
    op.create_primary_key("pk_data_key", "data_key", ["tenant_id", "purpose", "version"])
    # Whoever turns the key-encryption key wraps these anew.
    grant("installation_key", "UPDATE (wrapped)")


def downgrade() -> None:
    """Keep the keys of exchange keys only; what others sealed is lost with them."""
    op.execute(f"REVOKE UPDATE (wrapped) ON installation_key FROM {APP_ROLE}")
    op.execute("DELETE FROM data_key WHERE purpose <> 'exchange'")
    op.drop_constraint("pk_data_key", "data_key", type_="primary")
    op.drop_column("data_key", "purpose")
    op.create_primary_key("pk_data_key", "data_key", ["tenant_id", "version"])
