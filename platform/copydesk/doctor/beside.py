"""Asks several at once, for a check about several hosts or exchanges: the slowest one says how long it takes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from queue import SimpleQueue
from typing import TypeVar

from copydesk.doctor.model import Result
from copydesk.kernel import CopydeskError

T = TypeVar("T")
_Answer = Result | CopydeskError | OSError | None


def beside(look: Callable[[T], Result], asked: Sequence[T]) -> Iterator[Result]:
    """Give the results in the order of the questions, each as soon as all before it are there.

    What a question raises of the errors that are to be expected is raised here. Threads are left behind where nobody
    waits for them any more.
    """
    answers: list[SimpleQueue[_Answer]] = [SimpleQueue() for _ in asked]
    for one, answer in zip(asked, answers, strict=True):
        threading.Thread(target=_answer, args=(look, one, answer), daemon=True).start()
    for answer in answers:
        found = answer.get()
        if isinstance(found, CopydeskError | OSError):
            raise found
        assert found is not None, "a question broke off; what stands above says why"
        yield found


def _answer(look: Callable[[T], Result], one: T, answer: SimpleQueue[_Answer]) -> None:
    found: _Answer = None
    try:
        found = look(one)
    except (CopydeskError, OSError) as error:
        found = error
    finally:
        answer.put(found)
