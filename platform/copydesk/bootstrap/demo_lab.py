"""The simulated exchange as guests' accounts are opened there: where it is controlled, and by which token."""

from __future__ import annotations

from copydesk.bootstrap.runtime import Runtime
from copydesk.guests.lab import LabHttp
from copydesk.guests.port import LabDoor
from copydesk.guests.settings import LAB_CONTROL_URL
from copydesk.tenancy import installation_value


def open_lab_door(runtime: Runtime) -> LabDoor | None:
    """Return who opens demo accounts; None where the installation names no simulated exchange, or holds no token.

    Raises `ConfigError` for an address that is none.
    """
    named = runtime.environ.get("COPYDESK_LAB_CONTROL")
    control = named or installation_value(runtime.directory.defaults, LAB_CONTROL_URL, str)
    try:
        token = (runtime.places.var / "lab" / "token").read_text().strip()
    except OSError:
        token = ""
    return LabHttp(control, token) if control and token else None
