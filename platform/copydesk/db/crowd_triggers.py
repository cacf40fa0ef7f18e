"""Triggers that migrations use to count up a brand's crowd version: only by statements that change a row."""

from __future__ import annotations

from alembic import op

# Which rows a trigger of each kind sees as `changed`.
_ROWS = {"insert": "NEW", "update": "NEW", "delete": "OLD"}
_COUNT = """
CREATE FUNCTION crowd_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE brand int := nullif(current_setting('app.tenant', true), '')::int;
BEGIN
    IF brand IS NOT NULL AND EXISTS (SELECT 1 FROM changed) THEN
        INSERT INTO crowd_version (tenant_id, version) VALUES (brand, 1)
        ON CONFLICT (tenant_id) DO UPDATE SET version = crowd_version.version + 1;
    END IF;
    RETURN NULL;
END $$
"""


def create_crowd_counter() -> None:
    """Create what the triggers call."""
    op.execute(_COUNT)


def drop_crowd_counter() -> None:
    """Take it away; no table may be watched any more."""
    op.execute("DROP FUNCTION crowd_changed()")


def watch_crowd(table: str) -> None:
    """Count every change of a table's rows."""
    for event, rows in _ROWS.items():
        op.execute(
            f"CREATE TRIGGER crowd_{event} AFTER {event.upper()} ON {table} REFERENCING {rows} TABLE AS changed "
            "FOR EACH STATEMENT EXECUTE FUNCTION crowd_changed()"
        )


def watch_crowd_no_more(table: str) -> None:
    """Count them no longer."""
    for event in _ROWS:
        op.execute(f"DROP TRIGGER crowd_{event} ON {table}")
