"""What the installation gives a new brand to stand on, and the place that it gets in its record."""

from __future__ import annotations

from copydesk.audit import OPERATOR, read_entries, record
from copydesk.bootstrap import Runtime
from copydesk.cli.tenant_answers import Ground
from copydesk.cli.tenant_colors import color_for
from copydesk.cli.tenant_draft import Grounds
from copydesk.kernel import CopydeskError, utc_now
from copydesk.stack import PostgresServer, VarDir
from copydesk.tenancy import Tenant, ensure_tenant
from copydesk.web.theme_file import CORE, installed_themes


def ground_of(runtime: Runtime) -> Ground:
    """Look at the installed themes, and at what the lab lists, if this installation runs one."""
    from copydesk.venues.lab import LISTINGS

    listed = {
        name: frozenset(one.symbol for one in (*listing.spot, *listing.perp)) for name, listing in LISTINGS.items()
    }
    # A lab that was ever run here has left its token; one that runs elsewhere is named in the environment.
    runs = bool(runtime.environ.get("COPYDESK_LAB_REST")) or (runtime.places.var / "lab" / "token").is_file()
    themes = installed_themes(runtime.places.themes) or (CORE,)
    colors = {name: color_for(runtime.places.themes, name) for name in themes}
    return Ground(themes=themes, lab=listed, lab_runs=runs, colors=colors)


def grounds_of(runtime: Runtime) -> Grounds:
    """Return against what a brand's draft is judged now."""
    directory = runtime.directory
    return Grounds(runtime.places, directory.defaults, runtime.settings, directory.all())


def is_embedded(runtime: Runtime) -> bool:
    """Tell whether the database is the one that `copydesk up` keeps in the data directory."""
    return runtime.require("DATABASE_URL") == PostgresServer(VarDir(runtime.places.var)).url()


def servers_answer(runtime: Runtime) -> str:
    """Return nothing where the database answers, else the reason in one sentence."""
    try:
        with runtime.db.installation():
            return ""
    except CopydeskError as error:
        return " ".join(str(error).split())


def register(runtime: Runtime, tenant: Tenant) -> int:
    """Give a brand its number and the first line of its record, unless it has both; safe to run twice."""
    with runtime.db.installation() as session:
        tenant_id = ensure_tenant(session, tenant.slug)
    with runtime.db.tenant(tenant_id) as session:
        if not read_entries(session, tenant_id, limit=1, act="tenant.created"):
            said = {"name": tenant.name, "hosts": list(tenant.hosts), "theme": tenant.theme}
            record(session, tenant_id, OPERATOR, "tenant.created", f"tenant:{tenant.slug}", at=utc_now(), after=said)
    return tenant_id
