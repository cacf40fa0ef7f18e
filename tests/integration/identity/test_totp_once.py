"""A one-time code is taken once, however many processes are offered it at the same moment."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.sharedctypes import SynchronizedArray
from multiprocessing.synchronize import Barrier

import pytest
from copydesk.db import Database
from copydesk.identity.factors import FactorWrong, Holder, use_recovery_code, verify_totp
from copydesk.identity.factors.desk import Desk, open_desk
from copydesk.identity.factors.recovery import new_recovery_codes
from copydesk.identity.factors.tables import TotpSecret
from factor_people import BEGIN, STEP, FactorPeople
from sqlalchemy import select, update

PROCESSES, ROUNDS = 8, 30
WAIT_S = 60
# A fork shares nothing that it opens itself, and starts in milliseconds.
FORK = multiprocessing.get_context("fork")

Attempt = Callable[[Desk, int, Barrier], None]


@pytest.fixture(scope="module")
def people(database_url: str) -> Iterator[FactorPeople]:
    database = Database.connect(database_url, pool_size=1)
    yield FactorPeople(database)
    database.dispose()


def successes(people: FactorPeople, url: str, holder: Holder, attempt: Attempt, rounds: int) -> list[int]:
    """Let every process attempt each round at the same moment; return how many succeeded in each."""
    # Children must not use a connection that their parent opened.
    people.database.dispose()
    line, taken = FORK.Barrier(PROCESSES), FORK.Array("i", rounds)

    def compete(taken: SynchronizedArray[int]) -> None:
        database = Database.connect(url, pool_size=1)
        for number in range(rounds):
            at = BEGIN + number * STEP
            with database.tenant(holder.tenant_id) as session:
                session.execute(select(1))
            line.wait(WAIT_S)
            try:
                with open_desk(database, people.vault, holder, at) as desk:
                    attempt(desk, number, line)
            except FactorWrong:
                continue
            with taken.get_lock():
                taken[number] += 1
        database.dispose()

    processes = [FORK.Process(target=compete, args=(taken,), daemon=True) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(WAIT_S)
    assert [process.exitcode for process in processes] == [0] * PROCESSES
    return list(taken)


def test_without_the_one_statement_every_process_would_take_the_same_code(
    people: FactorPeople, database_url: str
) -> None:
    holder = people.person("naive")
    people.with_app(holder)

    def look_then_write(desk: Desk, number: int, line: Barrier) -> None:
        found = desk.session.scalars(select(TotpSecret).where(TotpSecret.user_id == holder.user_id)).one()
        step = int(desk.at.timestamp()) // 30
        if found.last_step >= step:
            raise FactorWrong("used")
        line.wait(WAIT_S)  # Each has looked before any writes.
        desk.session.execute(update(TotpSecret).where(TotpSecret.id == found.id).values(last_step=step))

    assert successes(people, database_url, holder, look_then_write, 1) == [PROCESSES]


def test_of_eight_processes_with_the_same_code_exactly_one_succeeds(people: FactorPeople, database_url: str) -> None:
    holder = people.person("ada")
    app = people.with_app(holder)

    def submit(desk: Desk, number: int, line: Barrier) -> None:
        verify_totp(desk, app.at(desk.at))

    assert successes(people, database_url, holder, submit, ROUNDS) == [1] * ROUNDS


def test_of_eight_processes_with_the_same_recovery_code_exactly_one_succeeds(
    people: FactorPeople, database_url: str
) -> None:
    holder = people.person("cy")
    with people.desk(holder) as desk:
        codes = new_recovery_codes(desk)

    def submit(desk: Desk, number: int, line: Barrier) -> None:
        use_recovery_code(desk, codes[number])

    assert successes(people, database_url, holder, submit, 5) == [1] * 5
