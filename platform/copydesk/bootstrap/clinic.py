"""A brand with everything that the doctor may ask, joined."""

from __future__ import annotations

from collections.abc import Set

from copydesk.bootstrap.keyroom import keyroom
from copydesk.bootstrap.runtime import Runtime
from copydesk.doctor import Case
from copydesk.kernel import NotFound, utc_now


def case_of(runtime: Runtime, slug: str, *, catalogs: Set[str], mail_to: str = "") -> Case:
    """Return one brand as it is served now; raises `NotFound`. `catalogs` are the languages of pages' texts."""
    tenant = runtime.directory.by_slug(slug)
    if tenant is None:
        raise NotFound(f"there is no brand {slug} with a valid file: see copydesk tenant check {slug}")
    return Case(
        tenant=tenant,
        tenant_id=runtime.tenant_ids[slug],
        room=keyroom(runtime),
        redis=runtime.redis,
        notary=runtime.notary,
        var=runtime.places.var,
        database_url=runtime.require("DATABASE_URL"),
        defaults=runtime.directory.defaults,
        urls=runtime.urls,
        now=utc_now(),
        site_url=runtime.environ.get("COPYDESK_SITE_URL", ""),
        catalogs=frozenset(catalogs),
        mail_to=mail_to,
    )
