"""The declarative root of every table and the mixin that makes a table belong to a tenant."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import sqlalchemy
from sqlalchemy import BigInteger, DateTime, ForeignKey, Integer, MetaData, Numeric
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

TENANT_ID = "tenant_id"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Exchanges quote up to 18 decimals; 20 digits before the point hold any balance.
Amount = Annotated[Decimal, mapped_column(Numeric(38, 18))]
Moment = Annotated[datetime, mapped_column(DateTime(timezone=True))]
BigInt = Annotated[int, mapped_column(BigInteger)]
Identity = Annotated[int, mapped_column(BigInteger, primary_key=True, autoincrement=True)]
# Counted by the database as rows come in, and no part of their key.
Arrival = Annotated[int, mapped_column(BigInteger, sqlalchemy.Identity())]


class Table(DeclarativeBase):
    """Root of all tables; the web layer's Flask-SQLAlchemy uses the same metadata."""

    metadata = metadata


class TenantRow:
    """Put a table under row-level security: `tenant_id` leads its primary key.

    The migration that creates the table must call `protect_table`; a test fails for one that does not.
    """

    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"), primary_key=True, sort_order=-1)


class HotTenantRow:
    """Put a table that is written a thousand rows at a time under row-level security, without foreign keys.

    Each key checked per row costs as much as the row (platform/docs/adr/0011-hot-tables.md); such rows are only
    ever derived from parents that were read in the same transaction.
    """

    tenant_id: Mapped[int] = mapped_column(Integer, primary_key=True, sort_order=-1)


def tenant_tables() -> list[str]:
    """Name every table that holds rows of a tenant, in alphabetical order."""
    return sorted(name for name, table in metadata.tables.items() if TENANT_ID in table.columns)
