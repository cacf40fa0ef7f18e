"""The operator's console: links into it, and sessions there. Suspensions are switches; brands have signs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from copydesk.db.security import grant

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


# Reads each brand's tables as that brand: row-level security holds for whoever calls it.
_SIGNS = """
CREATE FUNCTION brand_signs(brands int[]) RETURNS TABLE (
    brand int, busy boolean, crowd bigint, copy_id bigint, adjustment_id bigint, paid_at timestamptz)
LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    mine int;
    before text := coalesce(current_setting('app.tenant', true), '');
BEGIN
    FOREACH mine IN ARRAY brands LOOP
        PERFORM set_config('app.tenant', mine::text, true);
        RETURN QUERY SELECT mine,
            EXISTS (SELECT 1 FROM delivery d WHERE d.tenant_id = mine AND d.drained_at IS NULL)
            OR EXISTS (SELECT 1 FROM delivery d WHERE d.tenant_id = mine AND d.intents IS NOT NULL)
            OR EXISTS (SELECT 1 FROM copy c WHERE c.tenant_id = mine
                       AND c.status IN ('planned', 'in_flight', 'accepted', 'partially_filled'))
            OR EXISTS (SELECT 1 FROM errand e WHERE e.tenant_id = mine)
            OR EXISTS (SELECT 1 FROM order_delivery o WHERE o.tenant_id = mine)
            OR EXISTS (SELECT 1 FROM resting_order r WHERE r.tenant_id = mine AND r.state <> 'done'),
            coalesce((SELECT v.version FROM crowd_version v WHERE v.tenant_id = mine), 0::bigint),
            coalesce((SELECT max(c.id) FROM copy c WHERE c.tenant_id = mine), 0::bigint),
            coalesce((SELECT max(a.id) FROM book_adjustment a WHERE a.tenant_id = mine), 0::bigint),
            (SELECT max(f.at) FROM funding_payment f WHERE f.tenant_id = mine);
    END LOOP;
    PERFORM set_config('app.tenant', before, true);
END $$
"""


def upgrade() -> None:
    """Add two tables of the whole installation, and an index that costs a copy next to nothing."""
    op.create_table(
        "operator_link",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_operator_link")),
    )
    grant("operator_link", "SELECT, INSERT, UPDATE, DELETE")
    op.create_table(
        "operator_session",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("ip", sa.Text(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_session")),
        sa.UniqueConstraint("digest", name=op.f("uq_operator_session_digest")),
    )
    grant("operator_session", "SELECT, INSERT, UPDATE, DELETE")
    # Who follows the switches follows suspensions: the count of changes is theirs too.
    op.execute(
        "CREATE TRIGGER brand_suspended AFTER UPDATE OF status ON tenant "
        "FOR EACH STATEMENT EXECUTE FUNCTION switch_thrown()"
    )
    op.execute(_SIGNS)
    # Copies are stored in the order of their time, so that a summary of each range of pages is all it takes.
    op.create_index("ix_copy_planned_at", "copy", ["planned_at"], postgresql_using="brin")


def downgrade() -> None:
    """Take them away again."""
    op.drop_index("ix_copy_planned_at", table_name="copy")
    op.execute("DROP FUNCTION brand_signs(int[])")
    op.execute("DROP TRIGGER brand_suspended ON tenant")
    op.drop_table("operator_session")
    op.drop_table("operator_link")
