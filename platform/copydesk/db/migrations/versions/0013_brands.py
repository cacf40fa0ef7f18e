"""What a brand's panel has set, the files uploaded there, and a brand's standing and plan."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from copydesk.db.security import APP_ROLE, protect_table
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_ADDED = ("status", "suspend_reason", "revision", "followers_max", "strategies_max", "created_by")


def upgrade() -> None:
    """Add revisions and files; every brand is active, and its file alone holds."""
    op.add_column("tenant", sa.Column("status", sa.Text(), server_default="active", nullable=False))
    op.add_column("tenant", sa.Column("suspend_reason", sa.Text(), server_default="", nullable=False))
    op.add_column("tenant", sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("tenant", sa.Column("followers_max", sa.Integer(), nullable=True))
    op.add_column("tenant", sa.Column("strategies_max", sa.Integer(), nullable=True))
    op.add_column("tenant", sa.Column("created_by", sa.Text(), server_default="", nullable=False))
    op.execute(f"GRANT UPDATE ({', '.join(_ADDED)}) ON tenant TO {APP_ROLE}")
    _add_revisions()
    op.create_table(
        "brand_file",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_brand_file_tenant_id_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "name", name=op.f("pk_brand_file")),
    )
    protect_table("brand_file")


def _add_revisions() -> None:
    op.create_table(
        "setting_revision",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("author_id", sa.BigInteger(), nullable=True),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Text(), server_default="", nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("changes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("values", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("origins", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("rolls_back", sa.BigInteger(), nullable=True),
        sa.Column("schema_version", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_setting_revision_tenant_id_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_setting_revision")),
    )
    protect_table("setting_revision")


def downgrade() -> None:
    """Keep the files of brands only; what their panels had set is lost."""
    op.drop_table("brand_file")
    op.drop_table("setting_revision")
    for name in _ADDED:
        op.drop_column("tenant", name)
