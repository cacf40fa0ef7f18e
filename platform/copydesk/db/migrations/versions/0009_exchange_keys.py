"""Keys on their way in, and what exchanges say of them."""

from __future__ import annotations

from alembic import op
from copydesk.db.security import grant, protect_table

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_TABLES = {
    "key_intake": "id bigserial NOT NULL, user_id bigint NOT NULL, account_id bigint, venue text NOT NULL, "
    "environment text NOT NULL, label text NOT NULL, kind text NOT NULL DEFAULT 'hmac', state text NOT NULL, "
    "sealed bytea, sealed_pair bytea, public_key text, reason text, rights jsonb NOT NULL DEFAULT '[]', "
    "said text NOT NULL DEFAULT '', created_at timestamptz NOT NULL DEFAULT now(), handed_at timestamptz, "
    "due_at timestamptz NOT NULL, decided_at timestamptz, CONSTRAINT pk_key_intake PRIMARY KEY (tenant_id, id), "
    "CONSTRAINT fk_key_intake_tenant_id_user_id_user_account FOREIGN KEY (tenant_id, user_id) "
    "REFERENCES user_account (tenant_id, id), "
    "CONSTRAINT fk_key_intake_tenant_id_account_id_account FOREIGN KEY (tenant_id, account_id) "
    "REFERENCES account (tenant_id, id)",
    "account_key": "account_id bigint NOT NULL, scope jsonb, rights jsonb NOT NULL DEFAULT '[]', ip_bound boolean, "
    "expires_at timestamptz, probed_at timestamptz, due_at timestamptz NOT NULL, told_days smallint, "
    "told_reason text, rearms boolean NOT NULL DEFAULT false, key_hash text, uid_hash text, public_key text, "
    "changed_at timestamptz NOT NULL DEFAULT now(), CONSTRAINT pk_account_key PRIMARY KEY (tenant_id, account_id), "
    "CONSTRAINT fk_account_key_tenant_id_account_id_account FOREIGN KEY (tenant_id, account_id) "
    "REFERENCES account (tenant_id, id)",
}
_INDEXES = (
    "CREATE INDEX ix_key_intake_user ON key_intake (tenant_id, user_id, id)",
    "CREATE INDEX ix_key_intake_open ON key_intake (tenant_id, due_at) WHERE state NOT IN ('accepted', 'refused')",
    "CREATE UNIQUE INDEX uq_account_key_key_hash ON account_key (tenant_id, key_hash)",
    "CREATE UNIQUE INDEX uq_account_key_uid_hash ON account_key (tenant_id, uid_hash)",
    "CREATE INDEX ix_account_key_due ON account_key (tenant_id, due_at)",
    "CREATE INDEX ix_account_key_changed ON account_key (tenant_id, changed_at)",
)
# Roles look at these numbers alone, and at brands' rows once one has moved; nobody else may count them.
_COUNT = """
CREATE FUNCTION key_counted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE key_version SET version = version + 1 WHERE name = TG_ARGV[0];
    RETURN NULL;
END $$
"""
# A key that its exchange has refused in the middle of trading is asked about at once, to find out why.
_REFUSED = """
CREATE FUNCTION key_refused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO account_key (tenant_id, account_id, due_at) VALUES (NEW.tenant_id, NEW.id, clock_timestamp())
    ON CONFLICT (tenant_id, account_id) DO UPDATE SET due_at = clock_timestamp();
    RETURN NULL;
END $$
"""
_WHEN_REFUSED = "(OLD.status = 'active' AND NEW.status <> 'active' AND NEW.sealed_key IS NOT NULL)"
# Name, table, when, for each of what, what is called.
_TRIGGERS = (
    (
        "key_handed_in",
        "key_intake",
        "INSERT OR UPDATE OF state",
        "ROW WHEN (NEW.state IN ('making', 'waiting'))",
        "key_counted('waiting')",
    ),
    ("key_refused", "account", "UPDATE OF status", f"ROW WHEN {_WHEN_REFUSED}", "key_refused()"),
    ("key_refused_counted", "account", "UPDATE OF status", f"ROW WHEN {_WHEN_REFUSED}", "key_counted('waiting')"),
    (
        "key_asked_for",
        "account_key",
        "UPDATE OF rearms",
        "ROW WHEN (NEW.rearms AND NOT OLD.rearms)",
        "key_counted('waiting')",
    ),
    ("key_changed", "account_key", "UPDATE OF changed_at", "STATEMENT", "key_counted('changed')"),
)


def upgrade() -> None:
    """Add the tables, the kind of an account's key, and the numbers that tell of changes."""
    op.execute("ALTER TABLE account ADD COLUMN key_kind text NOT NULL DEFAULT 'hmac'")
    op.execute("ALTER TABLE account ADD COLUMN key_denial text")
    for table, columns in _TABLES.items():
        op.execute(f"CREATE TABLE {table} (tenant_id int NOT NULL, {columns})")
        op.create_foreign_key(f"fk_{table}_tenant_id_tenant", table, "tenant", ["tenant_id"], ["id"])
        protect_table(table)
    for index in _INDEXES:
        op.execute(index)
    op.execute("CREATE TABLE key_version (name text CONSTRAINT pk_key_version PRIMARY KEY, version bigint NOT NULL)")
    op.execute("INSERT INTO key_version VALUES ('waiting', 0), ('changed', 0)")
    grant("key_version", "SELECT")
    op.execute(_COUNT)
    op.execute(_REFUSED)
    for name, table, event, each, call in _TRIGGERS:
        op.execute(f"CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH {each} EXECUTE FUNCTION {call}")


def downgrade() -> None:
    """Take it all away again."""
    for name, table, *_ in _TRIGGERS:
        op.execute(f"DROP TRIGGER {name} ON {table}")
    for function in ("key_refused", "key_counted"):
        op.execute(f"DROP FUNCTION {function}()")
    for table in ("key_version", "account_key", "key_intake"):
        op.drop_table(table)
    op.drop_column("account", "key_denial")
    op.drop_column("account", "key_kind")
