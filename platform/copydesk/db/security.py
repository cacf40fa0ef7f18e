"""Row-level security statements that migrations use; one policy for every tenant table."""

from __future__ import annotations

from alembic import op

APP_ROLE = "copydesk_app"
_OWN_ROWS = "tenant_id = (SELECT nullif(current_setting('app.tenant', true), '')::int)"


def ensure_app_role() -> None:
    """Create the role that the application connects as, where the operator has not yet done so."""
    op.execute(
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{APP_ROLE}') "
        f"THEN CREATE ROLE {APP_ROLE} NOLOGIN; END IF; END $$"
    )
    op.execute(f"GRANT USAGE ON SCHEMA public TO {APP_ROLE}")


def protect_table(table: str) -> None:
    """Show and accept only rows of the transaction's tenant, even to the table's owner."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own_rows ON {table} USING ({_OWN_ROWS}) WITH CHECK ({_OWN_ROWS})")
    grant(table, "SELECT, INSERT, UPDATE, DELETE")


def grant(table: str, rights: str) -> None:
    """Let the application role use a table; it owns nothing."""
    op.execute(f"GRANT {rights} ON {table} TO {APP_ROLE}")
    op.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {APP_ROLE}")
