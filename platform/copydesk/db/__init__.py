"""PostgreSQL: engine, tenant-bound sessions, declarative root, migrations.

Knows nothing of the business; every package declares its own tables on `Table`. Migrations are imported by their
module, `copydesk.db.migrate`: only who migrates loads Alembic.
"""

from copydesk.db.arrays import array_literal, moment_array, number_array, sparse_array, word_array
from copydesk.db.declarative import (
    Amount,
    Arrival,
    BigInt,
    HotTenantRow,
    Identity,
    Moment,
    Table,
    TenantRow,
    metadata,
    tenant_tables,
)
from copydesk.db.session import (
    Database,
    TenantSession,
    bind_tenant,
    create_db_engine,
    require_open,
    sqlalchemy_url,
)

__all__ = [
    "Amount",
    "Arrival",
    "BigInt",
    "Database",
    "HotTenantRow",
    "Identity",
    "Moment",
    "Table",
    "TenantRow",
    "TenantSession",
    "array_literal",
    "bind_tenant",
    "create_db_engine",
    "metadata",
    "moment_array",
    "number_array",
    "require_open",
    "sparse_array",
    "sqlalchemy_url",
    "tenant_tables",
    "word_array",
]
