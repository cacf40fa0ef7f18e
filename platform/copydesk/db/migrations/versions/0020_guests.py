"""Guests of the demo: who came without registering, and until when."""

from __future__ import annotations

from alembic import op
from copydesk.db.security import protect_table

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_DEMO = """
CREATE TABLE guest_demo (
    tenant_id int NOT NULL, user_id bigint NOT NULL, lab_account text NOT NULL, intake_id bigint NOT NULL,
    opened_at timestamptz NOT NULL, keep_email text, password_hash text, kept_at timestamptz,
    CONSTRAINT pk_guest_demo PRIMARY KEY (tenant_id, user_id)
)
"""
_REFERENCES = (
    ("tenant_id_user_id_user_account", "user_id", "user_account"),
    ("tenant_id_intake_id_key_intake", "intake_id", "key_intake"),
)


def upgrade() -> None:
    """Say of people until when they are guests, and keep whose demo account is which."""
    op.execute("ALTER TABLE user_account ADD COLUMN guest_until timestamptz")
    op.execute(
        "CREATE INDEX ix_user_account_guest_until ON user_account (tenant_id, guest_until) "
        "WHERE guest_until IS NOT NULL"
    )
    op.execute(_DEMO)
    op.create_foreign_key("fk_guest_demo_tenant_id_tenant", "guest_demo", "tenant", ["tenant_id"], ["id"])
    for name, column, parent in _REFERENCES:
        op.create_foreign_key(f"fk_guest_demo_{name}", "guest_demo", parent, ["tenant_id", column], ["tenant_id", "id"])
    op.create_index("ix_guest_demo_intake_id", "guest_demo", ["tenant_id", "intake_id"])
    protect_table("guest_demo")


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("guest_demo")
    op.drop_index("ix_user_account_guest_until", table_name="user_account")
    op.drop_column("user_account", "guest_until")
