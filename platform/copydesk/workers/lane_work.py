"""What a replicator does for a lane, job by job."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from copydesk.replication import Drainer, Forerunner, Mirror, PurseReader, Reconciler
from copydesk.workers.crew import Crew, Job


@dataclass(frozen=True)
class LaneWork:
    """The parts of a replicator, joined to jobs; `pass_on` gets a lane to the worker that holds it.

    `crew` returns who does them, once there is one.
    """

    drainer: Drainer
    reconciler: Reconciler
    mirror: Mirror
    forerunner: Forerunner
    purses: PurseReader
    pass_on: Callable[[int, str], object]
    crew: Callable[[], Crew]

    @property
    def jobs(self) -> Mapping[str, Job]:
        """Return the jobs by the names that `workers.jobs` has for them."""
        return {
            "drain": self._drain,
            "reconcile": self._reconcile,
            "mirror": self._mirror,
            "prepare": self._prepare,
        }

    def _drain(self, tenant_id: int, shard: str) -> None:
        """Plan, send and settle what is due on a lane; a lane that another worker holds is passed on to it."""
        if self._in_turn(tenant_id, shard) is None:
            self.pass_on(tenant_id, shard)

    def _in_turn(self, tenant_id: int, shard: str) -> int | None:
        """Drain a lane; while another brand waits for its turn, handle one signal and come back for the rest."""
        crew, left = self.crew(), False

        def leave() -> bool:
            nonlocal left
            left = crew.crowded_by(tenant_id)
            return left

        handled = self.drainer.drain(tenant_id, shard, leave)
        if left:
            crew.give("drain", tenant_id, shard)
        return handled

    def _reconcile(self, tenant_id: int, shard: str) -> None:
        self._mirror(tenant_id, shard)
        self.reconciler.reconcile(tenant_id, shard)

    def _prepare(self, tenant_id: int, shard: str) -> None:
        """Begin to set accounts up, and to look at what those own whose limits are shares of it; both go on beside."""
        self.forerunner.start(tenant_id, shard)
        self.purses.start(tenant_id, shard)

    def _mirror(self, tenant_id: int, shard: str) -> None:
        """Tend resting orders before the fills that they cover are planned, and again with what was planned."""
        self.mirror.tend(tenant_id, shard)
        if self._in_turn(tenant_id, shard):
            self.mirror.tend(tenant_id, shard)
