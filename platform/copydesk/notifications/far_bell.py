"""The bell over Redis: mail that another role stored wakes the postmen of the sites at once, not at their next sweep.

A ring that is lost costs what no ring costs: the sweep finds the mail.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress

from redis import Redis
from redis.exceptions import RedisError

from copydesk.notifications.bell import BELL, Bell

log = logging.getLogger(__name__)

CHANNEL = "copydesk:mail"
_WORD = b"waits"
_LISTEN_S = 1.0
_TRY_AGAIN_S = 2.0


def ring_far(redis: Redis) -> None:
    """Say that mail waits; with Redis away nobody hears it."""
    with suppress(RedisError):
        redis.publish(CHANNEL, _WORD)


class FarBell:
    """Ring the bell of this process whenever another one says that mail waits: a thread, until `close`."""

    def __init__(self, redis_url: str, bell: Bell = BELL) -> None:
        self._redis_url = redis_url
        self._bell = bell
        self._stopped = threading.Event()
        self.listening = threading.Event()
        self._thread = threading.Thread(target=self._listen_on, name="far-bell", daemon=True)

    def start(self) -> None:
        """Listen from now on."""
        self._thread.start()

    def close(self) -> None:
        """Listen no longer; the thread ends within moments."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _listen_on(self) -> None:
        while not self._stopped.is_set():
            try:
                self._listen()
            except RedisError as error:
                log.warning("the bell is not heard from afar: %s", error)
                self._stopped.wait(_TRY_AGAIN_S)
            finally:
                self.listening.clear()

    def _listen(self) -> None:
        redis = Redis.from_url(self._redis_url)
        try:
            with redis.pubsub() as channel:  # type: ignore[no-untyped-call]
                channel.subscribe(CHANNEL)
                while not self._stopped.is_set():
                    message = channel.get_message(timeout=_LISTEN_S)
                    if message is not None and message["type"] == "subscribe":
                        self.listening.set()
                    elif message is not None:
                        self._bell.ring()
        finally:
            redis.close()
