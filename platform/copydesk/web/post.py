"""The postman beside the pages: a thread of each web process that sends what its pages, and other roles, stored."""

from __future__ import annotations

import threading

from flask import Flask

from copydesk.notifications import BELL
from copydesk.notifications.far_bell import FarBell
from copydesk.notifications.postman import Postman
from copydesk.web.database import whole_database
from copydesk.web.letters import LetterWriter
from copydesk.web.port import Runtime


class Post:
    """Deliver mail from a thread, from `start` until `stop`."""

    def __init__(self, app: Flask, runtime: Runtime) -> None:
        with app.app_context():
            database = whole_database()
        writer = LetterWriter(app, lambda: runtime.tenant_ids, runtime.site_url)
        seal, clock = runtime.identity_vault, app.extensions["copydesk_clock"]
        self.postman = Postman(database, seal, writer, runtime.mailer, lambda: runtime.tenant_ids, clock=clock)
        self._stopped = threading.Event()
        self._far_bell = FarBell(runtime.redis_url)
        # A daemon: a mail server that hangs must not keep the process from its end; what was begun is tried again.
        self._thread = threading.Thread(target=self.postman.run, args=(self._stopped,), name="post", daemon=True)

    def start(self) -> None:
        """Begin; called in each process after it was forked, for threads do not survive that."""
        self._thread.start()
        self._far_bell.start()

    def stop(self) -> None:
        """End after the mail that is under way."""
        self._stopped.set()
        self._far_bell.close()
        BELL.ring()
        self._thread.join()
