"""Legal texts in versions, and who accepted which."""

from __future__ import annotations

from alembic import op
from copydesk.db.security import protect_table

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_TABLES = {
    "legal_version": "id bigserial NOT NULL, kind text NOT NULL, number int NOT NULL, material boolean NOT NULL, "
    "author_id bigint, author text NOT NULL, published_at timestamptz NOT NULL, "
    "CONSTRAINT uq_legal_version_tenant_id_kind_number UNIQUE (tenant_id, kind, number), "
    "CONSTRAINT pk_legal_version PRIMARY KEY (tenant_id, id)",
    "legal_text": "version_id bigint NOT NULL, locale text NOT NULL, body text NOT NULL, "
    "CONSTRAINT pk_legal_text PRIMARY KEY (tenant_id, version_id, locale)",
    "legal_acceptance": "id bigserial NOT NULL, user_id bigint NOT NULL, version_id bigint NOT NULL, "
    "at timestamptz NOT NULL, ip text NOT NULL, locale text NOT NULL, via text NOT NULL, "
    "CONSTRAINT uq_legal_acceptance_tenant_id_user_id_version_id UNIQUE (tenant_id, user_id, version_id), "
    "CONSTRAINT pk_legal_acceptance PRIMARY KEY (tenant_id, id)",
}
_REFERENCES = (
    ("legal_text", "version_id", "legal_version"),
    ("legal_acceptance", "version_id", "legal_version"),
    ("legal_acceptance", "user_id", "user_account"),
)


def upgrade() -> None:
    """Add the tables, and beside each user the newest version that they accepted."""
    for table, columns in _TABLES.items():
        op.execute(f"CREATE TABLE {table} (tenant_id int NOT NULL, {columns})")
        op.create_foreign_key(f"fk_{table}_tenant_id_tenant", table, "tenant", ["tenant_id"], ["id"])
    for table, column, parent in _REFERENCES:
        name = f"fk_{table}_tenant_id_{column}_{parent}"
        op.create_foreign_key(name, table, parent, ["tenant_id", column], ["tenant_id", "id"])
    for table in _TABLES:
        protect_table(table)
    op.execute("ALTER TABLE user_account ADD COLUMN legal_accepted_id bigint NOT NULL DEFAULT 0")


def downgrade() -> None:
    """Take them away again."""
    op.execute("ALTER TABLE user_account DROP COLUMN legal_accepted_id")
    for table in reversed(_TABLES):
        op.drop_table(table)
