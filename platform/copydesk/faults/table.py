"""The table of faults: what each is, what it proves, where it strikes, and who does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from copydesk.faults import exchange_faults, failpoint_faults, follower_faults, leader_faults, process_faults
from copydesk.faults import server_faults as servers
from copydesk.faults.strike import Injector, Part
from copydesk.kernel import Failpoint, NotFound

_ANY = (Part.OPENS, Part.CLOSES, Part.MIXED)
_BOTH = ("north", "south")


@dataclass(frozen=True)
class Fault:
    """One fault. The number that its name begins with is the row of the matrix in platform/docs/faults.md.

    `lasts_s` is how long it stays in force; with zeros it is taken away after the last trade. `opens_owed` is False
    where the fault may rightly keep followers from opening. `at_once` has the leader trade without pauses.
    """

    name: str
    help: str
    proves: str
    inject: Injector
    parts: Sequence[Part] = _ANY
    slugs: Sequence[str] = _BOTH
    lasts_s: tuple[float, float] = (0.0, 0.0)
    opens_owed: bool = True
    clocks_agree: bool = True
    at_once: bool = False
    laid_before: bool = False


_SOUTH, _NORTH = ("south",), ("north",)
_LOSSES = (Part.OPENS, Part.CLOSES)
_BRIEF, _LONG = (0.3, 1.5), (1.5, 3.0)

_ROWS = (
    Fault("00-no-fault", "nothing", "the auditor itself", leader_faults.nothing),
    Fault("03-sender-killed", "kill -9 of the replicator that owns a lane", "I1 I2", process_faults.kill_sender),
    Fault("03-all-senders-killed", "kill -9 of every replicator", "I1 I2", process_faults.kill_both),
    Fault(
        "03-killed-again",
        "kill -9 of a replicator and of its successor",
        "I1 I2",
        process_faults.kill_again,
        lasts_s=_BRIEF,
    ),
    Fault("03-everything-killed", "kill -9 of every role", "I1 I2", process_faults.kill_everything),
    Fault("04-jobs-lost", "wake-ups vanish from the queue", "I2", servers.forget_jobs, lasts_s=_BRIEF),
    Fault("04-relay-killed", "kill -9 of the relay", "I2", process_faults.kill_relay),
    Fault("04-listener-killed", "kill -9 of the listener", "I1 I2", process_faults.kill_listener),
    Fault("04-listener-frozen", "SIGSTOP of the listener", "I2 I8", process_faults.freeze_listener, lasts_s=_BRIEF),
    Fault(
        "06-sender-frozen",
        "SIGSTOP of the lane's owner beyond its lease, then SIGCONT",
        "I1",
        process_faults.freeze_sender,
        lasts_s=(1.2, 2.5),
    ),
    Fault("08-redis-emptied", "Redis killed, its data removed, started again", "I1 I2", servers.empty_redis),
    Fault("09-redis-down", "Redis killed, away for seconds", "I2", servers.redis_down, lasts_s=_LONG),
    Fault("10-redis-slow", "100 ms for each way to Redis", "I2", servers.slow_redis, lasts_s=_BRIEF),
    Fault("10-redis-hangs", "Redis connected and mute", "I2", servers.hanging_redis, lasts_s=_BRIEF),
    Fault("11-redis-full", "Redis refuses every write", "I2", servers.full_redis, lasts_s=_BRIEF),
    Fault("12-redis-file-cut", "Redis killed, its file ends in half a command", "I2", servers.cut_redis_file),
    Fault("13-postgres-killed", "PostgreSQL killed and started again", "I1 I2 I3", servers.postgres_killed),
    Fault("14-postgres-down", "PostgreSQL away for seconds", "I1 I2", servers.postgres_down, lasts_s=_LONG),
    Fault("14-servers-down", "PostgreSQL and Redis away for seconds", "I1 I2", servers.both_down, lasts_s=_LONG),
    Fault(
        "16-sessions-stuck",
        "twenty idle transactions, one holds every lease's row",
        "I2",
        servers.stuck_sessions,
        lasts_s=_BRIEF,
    ),
    Fault("17-deadlock", "books and leases locked the other way round", "I1 I2", servers.deadlock, lasts_s=(0.1, 0.5)),
    Fault(
        "18-commit-unheard",
        "the connection breaks after COMMIT has left",
        "I1 I2",
        servers.cut_at_commit,
        lasts_s=_BRIEF,
    ),
    Fault("18-postgres-cut", "every connection to PostgreSQL is reset", "I1 I2", servers.cut_postgres),
    Fault("20-postgres-stalls", "PostgreSQL stands still", "I2", servers.stall_postgres, lasts_s=_BRIEF),
    Fault(
        "21-exchange-refuses", "nobody can connect to the exchanges", "I1 I2", exchange_faults.refuse, lasts_s=_BRIEF
    ),
    Fault("22-exchange-cut", "every connection to the exchanges is reset", "I1 I2", exchange_faults.cut),
    Fault("23-half-open", "connections stay, bytes arrive seconds later", "I1 I2", exchange_faults.hold, lasts_s=_LONG),
    Fault("24-answers-unheard", "orders arrive, no answer comes back", "I1 I2", exchange_faults.deafen, lasts_s=_BRIEF),
    Fault("24-answers-lost", "executed, the connection is closed", "I1 I2", exchange_faults.lose_answers),
    Fault(
        "24-orders-lost", "not executed, the connection is closed", "I1 I2", exchange_faults.lose_orders, parts=_LOSSES
    ),
    Fault("24-answers-late", "answers come up to 0.9 s late", "I1 I2", exchange_faults.delay_answers),
    Fault("24-exchange-slow", "80 ms for each piece of each connection", "I1 I2", exchange_faults.slow, lasts_s=_BRIEF),
    Fault("25-gateway-errors", "502 to 504, mostly after execution", "I1 I2", exchange_faults.gateway_errors),
    Fault("26-unknown-words", "-1007, 50004, 10016, 40725", "I1 I2", exchange_faults.unknown_words),
    Fault("27-garbage", "200 with an answer that cannot be read", "I1 I2", exchange_faults.garbage),
    Fault("27-every-doubt", "lost orders, lost answers and garbage at once", "I1 I2", exchange_faults.all_doubts),
    Fault("28-too-many-requests", "429 for the address", "I1 I2 I11", exchange_faults.too_many),
    Fault("29-banned", "418 for the address", "I1 I2 I6", exchange_faults.banned),
    Fault(
        "31-closes-refused",
        "up to nine tenths of the closes are refused",
        "I2 I3",
        exchange_faults.refuse_orders,
        parts=(Part.CLOSES,),
        slugs=_NORTH,
    ),
    Fault(
        "31-opens-refused",
        "up to nine tenths of the opens are refused",
        "I1 I3",
        exchange_faults.refuse_orders,
        parts=(Part.OPENS,),
        slugs=_NORTH,
    ),
    Fault("33-filled-in-parts", "orders are filled in up to five parts", "I1 I3", exchange_faults.fill_in_parts),
    Fault(
        "33-filled-in-part", "orders get a part of their quantity", "I1 I3", exchange_faults.fill_a_part, parts=_LOSSES
    ),
    Fault("34-stream-disconnected", "the leader's stream is cut", "I2 I3", leader_faults.disconnect),
    Fault("34-streams-down", "no stream for seconds", "I2 I3 I8", leader_faults.streams_down, lasts_s=_LONG),
    Fault("35-stream-mute", "the leader's stream is connected and silent", "I2", leader_faults.mute),
    Fault("36-events-twice", "every event twice, then fifty once more", "I1", leader_faults.repeat),
    Fault("37-events-reordered", "events overtake each other", "I1 I3", leader_faults.reorder),
    Fault("37-events-lost", "some events never come", "I2 I3", leader_faults.swallow),
    Fault(
        "38-other-instrument",
        "the leader trades what the brand does not offer",
        "I7",
        leader_faults.other_instrument,
        slugs=_NORTH,
    ),
    Fault(
        "40-opens-and-closes",
        "opened and closed without a pause",
        "I1 I3",
        leader_faults.nothing,
        parts=(Part.MIXED,),
        at_once=True,
    ),
    Fault("40-burst", "six round trips without a pause", "I1 I3", leader_faults.burst, parts=(Part.MIXED,)),
    Fault(
        "41-turns",
        "long to short and back without a pause",
        "I1 I3",
        leader_faults.nothing,
        parts=(Part.TURNS,),
        slugs=_SOUTH,
        at_once=True,
    ),
    Fault(
        "41-turns-sender-killed",
        "the replicator killed while positions turn",
        "I1 I3",
        process_faults.kill_sender,
        parts=(Part.TURNS,),
        slugs=_SOUTH,
    ),
    Fault(
        "41-turns-in-doubt",
        "answers lost while positions turn",
        "I1 I3",
        exchange_faults.all_doubts,
        parts=(Part.TURNS,),
        slugs=_SOUTH,
    ),
    Fault("42-leverage-changed", "the leader sets another leverage", "I2", leader_faults.change_leverage, slugs=_SOUTH),
    Fault(
        "43-by-hand",
        "followers buy the same instrument themselves",
        "I1 I3",
        follower_faults.trade_by_hand,
        slugs=_NORTH,
    ),
    Fault(
        "44-rights-taken",
        "followers' keys may not trade any more",
        "I2 I3",
        follower_faults.take_rights,
        lasts_s=_BRIEF,
    ),
    Fault(
        "45-money-gone",
        "followers cannot pay for an open",
        "I2 I3",
        follower_faults.take_money,
        parts=(Part.OPENS,),
        slugs=_NORTH,
    ),
    Fault(
        "46-maintenance",
        "one exchange answers 503 to everything",
        "I1 I2",
        exchange_faults.maintenance,
        slugs=_SOUTH,
        lasts_s=_BRIEF,
    ),
    Fault(
        "46-cancel-only",
        "one exchange takes only what reduces",
        "I6",
        exchange_faults.cancel_only,
        slugs=_SOUTH,
        lasts_s=_BRIEF,
        parts=_LOSSES,
    ),
    Fault(
        "47-clock-off",
        "one exchange's clock is 90 s or an hour off",
        "I1 I2",
        exchange_faults.clock_off,
        slugs=_SOUTH,
        lasts_s=_BRIEF,
        opens_owed=False,
        clocks_agree=False,
    ),
    Fault(
        "48-absurd-price",
        "the price jumps far away and back",
        "I1 I3",
        exchange_faults.absurd_price,
        slugs=_NORTH,
        lasts_s=(0.05, 0.4),
        opens_owed=False,
    ),
    Fault("49-half-a-file", "the brand's file is half-written", "I2", leader_faults.half_a_file, lasts_s=_LONG),
)


def _failpoint(point: Failpoint, action: str) -> Fault:
    """Make the fault in which a process acts at a failpoint; rows 1, 2, 3 and 7 of the matrix are among them."""
    legs = point in (Failpoint.BETWEEN_LEGS, Failpoint.LEG_RELEASED, Failpoint.LEG_ANSWERED)
    parts: Sequence[Part] = (Part.TURNS,) if legs else _ANY
    slugs: Sequence[str] = _SOUTH if legs or point is Failpoint.ACCOUNT_PREPARED else _BOTH
    if point is Failpoint.FIX_STORED:
        parts, slugs = (Part.CLOSES,), _NORTH
    if point in (Failpoint.RESEND_STORED, Failpoint.RESEND_ANSWERED):
        parts = _LOSSES
    word = "dies" if action == "kill" else "stands still"
    name = f"{'01-died-at' if action == 'kill' else '07-paused-at'}-{point}"
    help_text = f"a role {word}: {point.help[0].lower()}{point.help[1:].rstrip('.')}"
    return Fault(name, help_text, "I1 I2 I3", failpoint_faults.at(point, action), parts, slugs, laid_before=True)


_PAUSES = (Failpoint.PLANNED, Failpoint.COPIES_STORED, Failpoint.EACH_SEND, Failpoint.ANSWERED, Failpoint.RESEND_STORED)
FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in sorted(
        (
            *_ROWS,
            *(_failpoint(point, "kill") for point in Failpoint),
            *(_failpoint(point, "pause") for point in _PAUSES),
        ),
        key=lambda fault: fault.name,
    )
}

# Rows of the matrix that are not among the faults, with the reason.
LEFT_OUT: dict[int, str] = {
    5: "payouts do not exist yet",
    15: "one server, no replica that could lag behind",
    19: "needs a file system of its own, which a run cannot make for itself everywhere",
    30: "Bybit's silence lasts ten minutes; contract tests hold the client to it",
    32: "every order is a request of its own, so that no batch can fail in part",
    39: "leaders' streams of the suite have no listen key that ends; contract tests cover it",
}


def fault_named(name: str) -> Fault:
    """Return a fault; raises NotFound naming those that begin alike."""
    if name in FAULTS:
        return FAULTS[name]
    near = [known for known in FAULTS if known.startswith(name[:2])] or list(FAULTS)
    raise NotFound(f"there is no fault {name!r}; expected one of {', '.join(near)}")
