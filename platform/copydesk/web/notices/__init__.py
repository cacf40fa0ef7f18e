"""The pages of notices: what one was told, how one wants to be told, where, and what became of each delivery."""

from copydesk.web.notices import centre, delivered, devices, settings, ways
from copydesk.web.notices.blueprint import notices

__all__ = ["centre", "delivered", "devices", "notices", "settings", "ways"]
