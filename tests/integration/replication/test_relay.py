"""The relay wakes lanes that nobody drained, and does not pile up jobs for a lane that is busy."""

from __future__ import annotations

from contextlib import closing
from types import SimpleNamespace
from typing import cast

from copydesk.bootstrap import Runtime
from copydesk.trading import Side
from copydesk.workers.relay import Relay
from desk_site import Site
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer


def test_a_lane_with_a_job_that_waits_already_is_not_woken_again(site: Site, redis_url: str) -> None:
    site.trade(Side.BUY, "0.4")
    site.act("UPDATE delivery SET created_at = created_at - interval '1 minute'")
    with closing(Redis.from_url(redis_url)) as redis:
        runtime = SimpleNamespace(
            redis=redis,
            db=site.db,
            directory=SimpleNamespace(refresh_if_due=lambda: None),
            tenant_ids={"one": site.tenant_id},
            number=lambda setting: setting.default,
        )
        relay = Relay(cast(Runtime, runtime))
        # The first job has the lane, the second waits for it, and handles whatever a third would find.
        assert [relay.sweep() for _ in range(4)] == [1, 1, 0, 0]
        assert len(Queue("replicate", connection=redis, serializer=JSONSerializer)) == 1
