"""What the brand must have in order: its record, its owner, its languages, its legal texts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from babel import Locale

from copydesk.audit.arrival import record_end
from copydesk.audit.lines import entry_line
from copydesk.audit.notary import Brand
from copydesk.audit.store import read_head, walk_entries
from copydesk.audit.verify import verify
from copydesk.db import TenantSession
from copydesk.doctor.case import Case
from copydesk.doctor.model import Result, fail, ok, warn
from copydesk.identity.access.places import owners
from copydesk.identity.factors import factors_of
from copydesk.identity.invitations import open_invites
from copydesk.identity.legal import ASKED, current_versions
from copydesk.kernel import Refused

# Longer records are held to their chain alone, a line at a time.
LINES_JUDGED_MAX = 50_000
_RECORD = "Keep the database as it is and compare it with the last export: somebody changed the record."


def record(case: Case) -> Iterator[Result]:
    """Hold the record of who did what to its hashes, and to what was signed where this installation has signed."""
    with case.room.db.tenant(case.tenant_id) as session:
        count = read_head(session, case.tenant_id)[0]
        signed = count <= LINES_JUDGED_MAX and (case.var / "audit" / "key").exists()
        said = _judged(case, session) if signed else _chained(case, session, count)
    if said:
        yield fail("record", said, _RECORD)
    else:
        yield ok("record", f"{count} lines, each as it was written")


def _judged(case: Case, session: TenantSession) -> str:
    lines = case.notary.export(session, Brand(case.tenant_id, case.tenant.slug), at=case.now)
    found = verify(lines, [case.notary.public]).findings
    return f"{found[0].says} ({len(found)} findings)" if found else ""


def _chained(case: Case, session: TenantSession, count: int) -> str:
    with closing(walk_entries(session, case.tenant_id, to_seq=count)) as entries:
        try:
            record_end((entry_line(one).removesuffix(b"\n") for one in entries), case.tenant_id)
        except Refused as error:
            return str(error)
    return ""


def owner(case: Case) -> Iterator[Result]:
    """See that somebody looks after the brand, and that a stolen password is not enough to do so."""
    slug = case.tenant.slug
    with case.room.db.tenant(case.tenant_id) as session:
        found = owners(session)
        bare = [user.email for user in found if not factors_of(session, user.id).any]
        asked = [one.email for one in open_invites(session, at=case.now) if "owner" in one.grants]
    if not found and asked:
        yield warn("owner", f"{asked[0]} is invited and has not come", "Have them open the link in their mail.")
    elif not found:
        yield fail("owner", "nobody looks after the brand", f"copydesk tenant admin invite {slug} --email …")
    for email in bare:
        yield fail("owner", f"{email} has no second factor", "Have them set one up under /account/security.")
    if found and not bare:
        yield ok("owner", f"{len(found)} with a second factor")


def languages(case: Case) -> Iterator[Result]:
    """See that pages have texts in each language that the brand offers."""
    offered = case.tenant.config.locales
    lacking = [tag for tag in offered if Locale.parse(tag).language not in case.catalogs and tag not in case.catalogs]
    for tag in lacking:
        yield warn("languages", f"there are no texts in {tag}: pages are in English", f"Take {tag} out of locales.")
    if not lacking:
        yield ok("languages", ", ".join(offered))


def legal(case: Case) -> Iterator[Result]:
    """See that people are shown what they agree to, in each language."""
    with case.room.db.tenant(case.tenant_id) as session:
        current = current_versions(session)
    missing = [kind for kind in ASKED if kind not in current]
    if missing:
        said = f"nothing is published for {', '.join(missing)}"
        yield warn("legal texts", said, "Publish them in the panel under legal texts.")
    for kind, version in current.items():
        lacking = [tag for tag in case.tenant.config.locales if tag not in version.locales]
        if lacking:
            said = f"{kind} version {version.number} is not there in {', '.join(lacking)}"
            yield warn("legal texts", said, "Publish the text in these languages too.")
    if not missing:
        yield ok("legal texts", ", ".join(f"{kind} {version.number}" for kind, version in current.items()))
