"""Second factors."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from copydesk.db.security import protect_table

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TABLES = {
    "totp_secret": (
        "id bigserial NOT NULL, user_id bigint NOT NULL, session_id bigint, sealed bytea, "
        "confirmed boolean NOT NULL DEFAULT false, last_step bigint NOT NULL DEFAULT '0', "
        "created_at timestamptz NOT NULL, CONSTRAINT pk_totp_secret PRIMARY KEY (tenant_id, id)"
    ),
    "recovery_code": (
        "id bigserial NOT NULL, user_id bigint NOT NULL, salt bytea NOT NULL, digest bytea NOT NULL, "
        "created_at timestamptz NOT NULL, used_at timestamptz, "
        "CONSTRAINT pk_recovery_code PRIMARY KEY (tenant_id, id), "
        "CONSTRAINT uq_recovery_code_tenant_id_user_id_digest UNIQUE (tenant_id, user_id, digest)"
    ),
    "passkey": (
        "id bigserial NOT NULL, user_id bigint NOT NULL, credential_id bytea NOT NULL, public_key bytea NOT NULL, "
        "sign_count bigint NOT NULL, rp_id text NOT NULL, label text NOT NULL, transports text NOT NULL DEFAULT '', "
        "created_at timestamptz NOT NULL, used_at timestamptz, "
        "CONSTRAINT pk_passkey PRIMARY KEY (tenant_id, id), "
        "CONSTRAINT uq_passkey_tenant_id_credential_id UNIQUE (tenant_id, credential_id)"
    ),
    "phone": (
        "id bigserial NOT NULL, user_id bigint NOT NULL, sealed bytea, hint text NOT NULL, "
        "confirmed boolean NOT NULL DEFAULT false, created_at timestamptz NOT NULL, "
        "CONSTRAINT pk_phone PRIMARY KEY (tenant_id, id)"
    ),
    "factor_challenge": (
        "id bigserial NOT NULL, user_id bigint NOT NULL, session_id bigint NOT NULL, kind text NOT NULL, "
        "value bytea NOT NULL, expires_at timestamptz NOT NULL, "
        "CONSTRAINT pk_factor_challenge PRIMARY KEY (tenant_id, id), "
        "CONSTRAINT uq_factor_challenge_tenant_id_user_id_session_id_kind "
        "UNIQUE (tenant_id, user_id, session_id, kind)"
    ),
    "factor_try": (
        "user_id bigint NOT NULL, kind text NOT NULL, tries int NOT NULL, last_at timestamptz NOT NULL, "
        "not_before timestamptz NOT NULL, CONSTRAINT pk_factor_try PRIMARY KEY (tenant_id, user_id, kind)"
    ),
}


def upgrade() -> None:
    """Add what each kind of factor stores."""
    for table, columns in _TABLES.items():
        op.execute(f"CREATE TABLE {table} (tenant_id int NOT NULL, {columns})")
        op.create_foreign_key(f"fk_{table}_tenant_id_tenant", table, "tenant", ["tenant_id"], ["id"])
        columns_user = ["tenant_id", "user_id"]
        op.create_foreign_key(
            f"fk_{table}_tenant_id_user_id_user_account", table, "user_account", columns_user, ["tenant_id", "id"]
        )
        protect_table(table)
    _one_of_each("totp_secret", waiting=("session_id",))
    _one_of_each("phone")
    op.create_index("ix_passkey_user", "passkey", ["tenant_id", "user_id"])


def downgrade() -> None:
    """Take them away again."""
    for table in _TABLES:
        op.drop_table(table)


def _one_of_each(table: str, *, waiting: tuple[str, ...] = ()) -> None:
    """Allow a person one confirmed row, and beside it one that waits to be: one for each value of `waiting`."""
    for name, condition, more in (("confirmed", "confirmed", ()), ("waiting", "NOT confirmed", waiting)):
        columns = ["tenant_id", "user_id", *more]
        op.create_index(f"uq_{table}_{name}", table, columns, unique=True, postgresql_where=sa.text(condition))
