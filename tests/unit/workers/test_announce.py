"""Announcements stand between a signal and its copies: a Redis that hangs must not hold them up."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

from copydesk.bootstrap import Runtime

ROOT = Path(__file__).parents[3]
# Well below the time-out that Redis clients have by themselves, well above ours.
PATIENCE_S = 3.0


def test_a_redis_that_answers_nothing_does_not_hold_up_an_announcement() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        runtime = Runtime({"COPYDESK_ROOT": str(ROOT), "REDIS_URL": url})
        telling = threading.Thread(target=runtime.announce, args=(1, {"type": "signal"}), daemon=True)
        telling.start()
        telling.join(PATIENCE_S)
        still_waits = telling.is_alive()
    telling.join()
    runtime.close()
    assert not still_waits
