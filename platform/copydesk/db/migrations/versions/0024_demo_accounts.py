"""Which accounts are a guest's demo, and in which coin people want to be told their worth too."""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_READ = ("account", "guest_demo", "key_intake")
# Of guests who have gone already nothing says any more which account was theirs.
_KNOWN = """
UPDATE account SET demo = true FROM guest_demo g JOIN key_intake i ON i.tenant_id = g.tenant_id AND i.id = g.intake_id
WHERE account.tenant_id = g.tenant_id AND account.id = i.account_id
"""


def upgrade() -> None:
    """Say it of each account, and of each person; the accounts of guests who are here are known."""
    op.execute("ALTER TABLE user_account ADD COLUMN currency text NOT NULL DEFAULT ''")
    op.execute("ALTER TABLE account ADD COLUMN demo boolean NOT NULL DEFAULT false")
    # Their owner is shown a brand's rows alone, as everybody is; here it is about all brands.
    for table in _READ:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute(_KNOWN)
    for table in _READ:
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute("CREATE INDEX ix_account_demo ON account (tenant_id, id) WHERE demo")


def downgrade() -> None:
    """Take it away again."""
    op.drop_index("ix_account_demo", table_name="account")
    op.drop_column("account", "demo")
    op.drop_column("user_account", "currency")
