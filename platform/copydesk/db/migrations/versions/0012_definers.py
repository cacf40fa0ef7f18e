"""What runs as the schema's owner looks for its tables in the schema alone."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Name the session's temporary schema last: unnamed it comes first, and anybody may put a table there.

    Source: PostgreSQL's documentation, CREATE FUNCTION, "Writing SECURITY DEFINER Functions Safely".
    """
    op.execute("ALTER FUNCTION switch_thrown() SET search_path = pg_catalog, public, pg_temp")


def downgrade() -> None:
    """Look there as before."""
    op.execute("ALTER FUNCTION switch_thrown() SET search_path = public")
