"""The branded sites: pages, live events and their servers. Reads through `replication`; decides nothing.

One process serves every brand; the `Host` header says which. Must not open exchange keys or send orders.
"""

from copydesk.web.app import create_app
from copydesk.web.client import LOOPBACK
from copydesk.web.live import create_live_app
from copydesk.web.port import Runtime
from copydesk.web.server import serve_live, serve_sites

__all__ = ["LOOPBACK", "Runtime", "create_app", "create_live_app", "serve_live", "serve_sites"]
