"""The end of asyncio tasks: it comes, whatever a library does with a cancellation."""

from __future__ import annotations

import asyncio

from copydesk.kernel import end, tasks
from pytest import MonkeyPatch


async def _swallows(times: int, heard: list[str]) -> None:
    """Wait for ever, and go on waiting the first `times` that somebody wants an end."""
    for _ in range(times):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            heard.append("asked to end")
    await asyncio.Event().wait()


async def _fails() -> None:
    raise OSError("the connection broke in the meantime")


def test_a_task_that_lost_its_cancellation_is_asked_again(monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "AGAIN_S", 0.01)
    heard: list[str] = []

    async def scene() -> asyncio.Task[None]:
        task = asyncio.create_task(_swallows(2, heard))
        await asyncio.sleep(0)
        await end(task)
        return task

    assert asyncio.run(scene()).cancelled()
    assert len(heard) == 2


def test_a_task_that_failed_already_ends_without_a_word() -> None:
    async def scene() -> asyncio.Task[None]:
        task = asyncio.create_task(_fails())
        await asyncio.wait({task})
        await end(task)
        return task

    assert isinstance(asyncio.run(scene()).exception(), OSError)


def test_nothing_to_end_takes_no_time() -> None:
    asyncio.run(end())
