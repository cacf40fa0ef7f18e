"""Reading the lab's journal as it grows: the only thing that the auditor believes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from copydesk.demo.audit import KINDS
from copydesk.demo.lab_control import LabControl
from copydesk.kernel import Unavailable
from copydesk.stack import wait_until

Record = Mapping[str, Any]
_WRITTEN_S = 10.0
# What a record of prices says is told by executions as well, and there are very many of them.
_READ = (KINDS | {"fault"}) - {"mark"}


class Tail:
    """Follow one journal; keeps what accounts there are, and the records since the last `begin`."""

    def __init__(self, path: Path, control: LabControl) -> None:
        self.path = path
        self._control = control
        self._offset = 0
        self._seq = 0
        self.accounts: list[Record] = []
        self.records: list[Record] = []

    def begin(self) -> None:
        """Forget what was read so far, but not which accounts there are."""
        self.records = []

    def read(self) -> list[Record]:
        """Read all that the exchange has done by now; raises Unavailable when the journal does not get on."""
        self._control.call("GET", "journal", {"limit": 1})  # Reading it has it written.
        seq = int(self._control.call("GET", "state")["journal_seq"])
        if not wait_until(lambda: self._glance() >= seq, patience_s=_WRITTEN_S, poll_s=0.005):
            raise Unavailable(f"the journal {self.path} does not get on")
        return self.records

    def _glance(self) -> int:
        with self.path.open("rb") as journal:
            journal.seek(self._offset)
            fresh = journal.read()
        whole = fresh.rfind(b"\n") + 1
        self._offset += whole
        for line in fresh[:whole].splitlines():
            record = orjson.loads(line)
            self._seq = record["seq"]
            if record["kind"] == "account":
                self.accounts.append(record)
            elif record["kind"] in _READ:
                self.records.append(record)
        return self._seq
