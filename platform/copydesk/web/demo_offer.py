"""Whether this brand's visitors may try it without registering: asked by every page that has the button."""

from __future__ import annotations

from copydesk.guests.opening import demo_place
from copydesk.guests.settings import GUESTS_ENABLED
from copydesk.tenancy import setting_value
from copydesk.web.asking import runtime
from copydesk.web.site import current_site


def demo_offered() -> bool:
    """Tell whether a demo account can be opened here; costs a look at the disk where the brand wants one."""
    tenant = current_site().tenant
    if not setting_value(tenant, GUESTS_ENABLED, bool) or demo_place(tenant) is None:
        return False
    return runtime().lab_door is not None
