"""Accounts: passwords, sessions, links out of mails, invitations, and what was tried at the door."""

from __future__ import annotations

from alembic import op
from copydesk.db.security import protect_table

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_USER_COLUMNS = {
    "password_hash": "text",
    "password_at": "timestamptz",
    "status": "text NOT NULL DEFAULT 'active'",
    "email_verified_at": "timestamptz",
    "locale": "text NOT NULL DEFAULT ''",
    "held_until": "timestamptz",
    "hold_reason": "text",
    "closed_at": "timestamptz",
}
_ROW = "(tenant_id int NOT NULL, id bigserial NOT NULL, "
_TABLES = {
    "user_session": f"{_ROW}user_id bigint NOT NULL, token_hash bytea NOT NULL, created_at timestamptz NOT NULL, "
    "seen_at timestamptz NOT NULL, expires_at timestamptz NOT NULL, factor text NOT NULL DEFAULT '', "
    "stepped_up_at timestamptz, ip text NOT NULL, agent text NOT NULL, ended_at timestamptz, end_reason text, "
    "CONSTRAINT pk_user_session PRIMARY KEY (tenant_id, id))",
    "user_token": f"{_ROW}user_id bigint NOT NULL, kind text NOT NULL, token_hash bytea NOT NULL, "
    "created_at timestamptz NOT NULL, expires_at timestamptz NOT NULL, used_at timestamptz, "
    "CONSTRAINT pk_user_token PRIMARY KEY (tenant_id, id))",
    "invite": f"{_ROW}email text NOT NULL, role text NOT NULL, grants text NOT NULL DEFAULT '', "
    "token_hash bytea NOT NULL, invited_by bigint, created_at timestamptz NOT NULL, expires_at timestamptz NOT NULL, "
    "used_at timestamptz, used_by bigint, revoked_at timestamptz, "
    "CONSTRAINT pk_invite PRIMARY KEY (tenant_id, id))",
    "sign_in": f"{_ROW}user_id bigint, at timestamptz NOT NULL, ip text NOT NULL, agent text NOT NULL, "
    "outcome text NOT NULL, factor text NOT NULL DEFAULT '', session_id bigint, "
    "CONSTRAINT pk_sign_in PRIMARY KEY (tenant_id, id))",
    "sign_in_throttle": "(tenant_id int NOT NULL, scope text NOT NULL, subject text NOT NULL, failures int NOT NULL, "
    "last_at timestamptz NOT NULL, next_at timestamptz NOT NULL, "
    "CONSTRAINT pk_sign_in_throttle PRIMARY KEY (tenant_id, scope, subject))",
}
_PEOPLE = {
    "user_session": ("user_id",),
    "user_token": ("user_id",),
    "invite": ("invited_by", "used_by"),
    "sign_in": ("user_id",),
}
_INDEXES = (
    "CREATE UNIQUE INDEX uq_user_session_hash ON user_session (tenant_id, token_hash)",
    "CREATE INDEX ix_user_session_user ON user_session (tenant_id, user_id)",
    "CREATE UNIQUE INDEX uq_user_token_hash ON user_token (tenant_id, token_hash)",
    "CREATE INDEX ix_user_token_user ON user_token (tenant_id, user_id)",
    "CREATE UNIQUE INDEX uq_invite_hash ON invite (tenant_id, token_hash)",
    "CREATE INDEX ix_invite_email ON invite (tenant_id, email)",
    "CREATE INDEX ix_sign_in_user ON sign_in (tenant_id, user_id, at)",
    "CREATE INDEX ix_sign_in_at ON sign_in (tenant_id, at)",
    "CREATE INDEX ix_sign_in_throttle_last ON sign_in_throttle (tenant_id, last_at)",
)


def upgrade() -> None:
    """Let users of a brand become people who sign in."""
    for column, kind in _USER_COLUMNS.items():
        op.execute(f"ALTER TABLE user_account ADD COLUMN {column} {kind}")
    for table, columns in _TABLES.items():
        op.execute(f"CREATE TABLE {table} {columns}")
        op.create_foreign_key(f"fk_{table}_tenant_id_tenant", table, "tenant", ["tenant_id"], ["id"])
        for column in _PEOPLE.get(table, ()):
            name = f"fk_{table}_tenant_id_{column}_user_account"
            op.create_foreign_key(name, table, "user_account", ["tenant_id", column], ["tenant_id", "id"])
        protect_table(table)
    for statement in _INDEXES:
        op.execute(statement)


def downgrade() -> None:
    """Make them names without a way in again."""
    for table in reversed(_TABLES):
        op.drop_table(table)
    for column in reversed(_USER_COLUMNS):
        op.drop_column("user_account", column)
