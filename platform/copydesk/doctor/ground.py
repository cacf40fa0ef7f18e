"""What the installation stands on: disk, backups, addresses, the database's revision."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address

from copydesk.db.migrate import current_revision, head_revision
from copydesk.doctor.case import Case
from copydesk.doctor.model import Result, fail, ok, skip, warn
from copydesk.doctor.settings import BACKUP_MAX_AGE_H
from copydesk.keys.settings import EGRESS_SHOWN
from copydesk.trading import Environment
from copydesk.venues.settings import EGRESS

FREE_BYTES_MIN = 500_000_000
FREE_RATIO_MIN = 0.10
STAMP = ("backup", "last.json")
_BACKUP = "Have the backup job write var/backup/last.json: platform/docs/runbooks/restore.md shows how."


def disk(case: Case) -> Iterator[Result]:
    """Look at the room that is left for data."""
    found = shutil.disk_usage(case.var)
    said = f"{found.free / 1e9:.1f} GB of {found.total / 1e9:.0f} GB free"
    if found.free < FREE_BYTES_MIN:
        yield fail("disk", said, f"Make room on the disk of {case.var}: a database that cannot write stops everything.")
    elif found.free < found.total * FREE_RATIO_MIN:
        yield warn("disk", said, f"Make room on the disk of {case.var}.")
    else:
        yield ok("disk", said)


def backups(case: Case) -> Iterator[Result]:
    """Read the stamp that the operator's backup job leaves, and how old it is."""
    path = case.var.joinpath(*STAMP)
    try:
        at = datetime.fromisoformat(json.loads(path.read_text())["at"])
    except FileNotFoundError:
        yield warn("backups", f"none is known: there is no {'/'.join(STAMP)} in the data folder", _BACKUP)
        return
    except (ValueError, KeyError, TypeError):
        yield warn("backups", f"{path} cannot be read", _BACKUP)
        return
    age_h = (case.now - (at if at.tzinfo else at.replace(tzinfo=UTC))).total_seconds() / 3600
    most = case.number(BACKUP_MAX_AGE_H)
    if age_h > most:
        yield warn("backups", f"the newest is {age_h:.0f} hours old, at most {most} are expected", _BACKUP)
    else:
        yield ok("backups", f"the newest is {age_h:.0f} hours old")


def egress(case: Case) -> Iterator[Result]:
    """See that outgoing addresses are on this machine."""
    for address in case.listed(EGRESS):
        family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_STREAM) as line:
                line.bind((address, 0))
        except OSError as error:
            remedy = "Give this machine the address, or take it out of venues.egress."
            yield fail(address, f"cannot be used here: {error.strerror}", remedy)
        else:
            yield ok(address, "is an address of this machine")
    if not case.listed(EGRESS):
        yield ok("egress", "this machine's usual address")


def shown_addresses(case: Case) -> Iterator[Result]:
    """See that people are told which addresses to bind the keys of real accounts to."""
    shown = case.listed(EGRESS_SHOWN)
    if shown:
        yield ok("addresses", f"people are told to bind their keys to {', '.join(shown)}")
    elif any(one.environment is Environment.LIVE for one in case.tenant.config.exchanges):
        yield warn("addresses", "nobody is told which to bind keys to", "Set keys.egress_shown in the defaults.")
    else:
        yield skip("addresses", "simulated exchanges only")


def revision(case: Case) -> Iterator[Result]:
    """Compare the database with what this code expects."""
    found, head = current_revision(case.database_url), head_revision()
    if found == head:
        yield ok("database", f"revision {found}")
    else:
        yield fail("database", f"revision {found or 'none'}, this code expects {head}", "Run copydesk migrate.")
