"""Control calls that read the journal: filtered, from any place, or from its end."""

from __future__ import annotations

from typing import Any

from copydesk.venues.lab.control.body import Body, Call, Lab, count

SEQ_MAX = 10**15
FILTERS = ("kind", "venue", "account", "market")


def read(lab: Lab, body: Body) -> Any:
    """Show records that match: the last ones, or the first after a place; `next` is where to go on."""
    reader, limit = lab.journal, count(body, "limit", 100)
    since_ms = count(body, "since_ms", 0, SEQ_MAX)
    wanted = {name: body[name] for name in FILTERS if body.get(name)}
    lab.world.journal.flush()
    if "after" not in body:
        found = [record for record in reader.tail() if _fits(record, wanted, since_ms)]
        return {"records": found[len(found) - limit :] if limit < len(found) else found, "next": lab.world.journal.seq}
    found, seen = [], count(body, "after", 0, SEQ_MAX)
    for record in reader.after(seen):
        seen = record["seq"]
        if _fits(record, wanted, since_ms):
            found.append(record)
            if len(found) >= limit:
                break
    return {"records": found, "next": seen}


def _fits(record: dict[str, Any], wanted: dict[str, Any], since_ms: int) -> bool:
    return record["at_ms"] >= since_ms and all(record.get(name) == value for name, value in wanted.items())


CALLS = (
    Call(
        "GET",
        "journal",
        read,
        "after, limit, kind, venue, account, market, since_ms",
        "records: the last, or those after a place",
    ),
)
