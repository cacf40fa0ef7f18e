"""How leaders' accounts are set up for perpetuals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from copydesk.db.security import protect_table

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "leader_setup",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("strategy_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("hedge", sa.Boolean(), nullable=False),
        sa.Column("leverage", sa.Integer(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "strategy_id"],
            ["strategy.tenant_id", "strategy.id"],
            name=op.f("fk_leader_setup_tenant_id_strategy_id_strategy"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_leader_setup_tenant_id_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "strategy_id", "symbol", name=op.f("pk_leader_setup")),
    )
    protect_table("leader_setup")


def downgrade() -> None:
    op.drop_table("leader_setup")
