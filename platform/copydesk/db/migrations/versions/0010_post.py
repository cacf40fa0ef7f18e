"""Mail that waits to be sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from copydesk.db.security import protect_table
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the outbox."""
    op.create_table(
        "mail",
        sa.Column("tenant_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sealed_facts", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("attempts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_mail_tenant_id_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_mail")),
    )
    waiting, done = sa.text("state = 'waiting'"), sa.text("state <> 'waiting'")
    op.create_index("ix_mail_due", "mail", ["tenant_id", "due_at"], postgresql_where=waiting)
    op.create_index("ix_mail_done", "mail", ["tenant_id", "queued_at"], postgresql_where=done)
    protect_table("mail")


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("mail")
