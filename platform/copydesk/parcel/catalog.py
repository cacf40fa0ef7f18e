"""Which tables hold rows of brands, read from the database itself, and how their rows become lines and rows again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from sqlalchemy import text
from sqlalchemy.orm import Session

from copydesk.kernel import ConfigError
from copydesk.parcel.model import ParcelBroken

# What travels in another form, and what the database counts by itself while rows come in.
RECORD_TABLES = frozenset({"audit_entry", "audit_checkpoint", "audit_head"})
KEY_TABLES = frozenset({"data_key"})
COUNTED_TABLES = frozenset({"crowd_version"})
APART = RECORD_TABLES | KEY_TABLES | COUNTED_TABLES
_BATCH_LINES, _BATCH_BYTES = 1_000, 4_000_000
# Others draw numbers while we move a sequence ahead.
_AHEAD = 1_000
# All brands draw from the same sequences: a made-up row must not leave them without numbers, or with endless ones.
_TOP_MAX = 10**12

_TABLES = text(
    """
    SELECT c.relname,
        array_agg(CAST(a.attname AS text) ORDER BY a.attnum) FILTER (WHERE a.attgenerated = ''),
        (SELECT array_agg(CAST(k.attname AS text) ORDER BY array_position(p.conkey, k.attnum)) FROM pg_constraint p
         JOIN pg_attribute k ON k.attrelid = p.conrelid AND k.attnum = ANY (p.conkey)
         WHERE p.conrelid = c.oid AND p.contype = 'p'),
        array_agg(CAST(a.attname AS text)) FILTER (WHERE pg_get_serial_sequence(c.relname, a.attname) IS NOT NULL)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = CAST('public' AS regnamespace) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    GROUP BY c.oid, c.relname HAVING bool_or(a.attname = 'tenant_id') ORDER BY c.relname
    """
)
_REFERENCES = text(
    """
    SELECT CAST(child.relname AS text), CAST(parent.relname AS text) FROM pg_constraint f
    JOIN pg_class child ON child.oid = f.conrelid JOIN pg_class parent ON parent.oid = f.confrelid
    WHERE f.contype = 'f' AND f.connamespace = CAST('public' AS regnamespace)
    """
)
_HIGHEST = text("SELECT seqmax FROM pg_sequence WHERE seqrelid = CAST(:sequence AS regclass)")


@dataclass(frozen=True)
class BrandTable:
    """A table whose rows belong to brands. `counted` are the columns that a sequence numbers."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    counted: tuple[str, ...] = ()

    @property
    def quoted(self) -> str:
        return f'"{self.name}"'


def brand_tables(session: Session) -> list[BrandTable]:
    """Return every table with a `tenant_id`, parents before children."""
    tables = {
        str(name): BrandTable(str(name), tuple(columns), tuple(key or columns), tuple(counted or ()))
        for name, columns, key, counted in session.execute(_TABLES)
    }
    order: TopologicalSorter[str] = TopologicalSorter({name: set() for name in tables})
    for child, parent in session.execute(_REFERENCES):
        if child in tables and parent in tables and child != parent:
            order.add(child, parent)
    try:
        return [tables[name] for name in order.static_order()]
    except CycleError as error:
        raise ConfigError(f"tables refer to each other in a circle: {', '.join(error.args[1])}") from None


def row_lines(session: Session, table: BrandTable, tenant_id: int) -> Iterator[bytes]:
    """Give a brand's rows of one table as JSON, in the order of its key; exact to the last digit and microsecond."""
    columns = ", ".join(f't."{name}"' for name in table.key)
    query = text(
        f"SELECT CAST(to_jsonb(t) AS text) FROM {table.quoted} t WHERE tenant_id = :tenant_id ORDER BY {columns}"  # noqa: S608 - names from the catalog
    )
    streamed = {"yield_per": _BATCH_LINES}
    with session.execute(query, {"tenant_id": tenant_id}, execution_options=streamed) as rows:
        for (line,) in rows:
            yield line.encode()


def insert_rows(session: Session, table: BrandTable, tenant_id: int, lines: Iterable[bytes]) -> int:
    """Insert rows from their lines under another number of the brand, and return how many there were."""
    others = [name for name in table.columns if name != "tenant_id"]
    wanted, given = (", ".join(f'{at}"{name}"' for name in others) for at in ("", "r."))
    source = f"jsonb_populate_recordset(CAST(NULL AS {table.quoted}), CAST(:rows AS jsonb)) r"
    query = text(
        f"INSERT INTO {table.quoted} (tenant_id, {wanted}) OVERRIDING SYSTEM VALUE "  # noqa: S608 - names from the catalog
        f"SELECT :tenant_id, {given} FROM {source}"
    )
    count = 0
    for batch in _batches(lines):
        rows = (b"[" + b",".join(batch) + b"]").decode()
        session.execute(query, {"tenant_id": tenant_id, "rows": rows})
        count += len(batch)
    return count


def move_sequences(session: Session, table: BrandTable, tenant_id: int) -> None:
    """Have the table's sequences go on behind the brand's highest numbers; raises `ParcelBroken` for absurd ones."""
    for column in table.counted:
        name = text("SELECT pg_get_serial_sequence(:table, :column)")
        sequence = session.execute(name, {"table": table.name, "column": column}).scalar_one()
        highest = text(f'SELECT max("{column}") FROM {table.quoted} WHERE tenant_id = :tenant_id')  # noqa: S608 - names from the catalog
        top = session.execute(highest, {"tenant_id": tenant_id}).scalar() or 0
        last = session.execute(text(f"SELECT last_value FROM {sequence}")).scalar_one()  # noqa: S608 - a name from the catalog
        most = session.execute(_HIGHEST, {"sequence": sequence}).scalar_one()
        if top > max(last, min(_TOP_MAX, most // 2)):
            raise ParcelBroken(f"the parcel numbers a row of {table.name} {top}, which is no number that we give")
        if top >= last:
            session.execute(text("SELECT setval(:sequence, :top)"), {"sequence": sequence, "top": top + _AHEAD})


def _batches(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = 0
    for line in lines:
        batch.append(line)
        size += len(line)
        if len(batch) >= _BATCH_LINES or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
