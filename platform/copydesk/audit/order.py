"""Which lines of an export stand where they belong, which do not, and which numbers no line has. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence

from copydesk.audit.findings import Finding, Problem
from copydesk.audit.lines import ENTRY
from copydesk.audit.model import chained
from copydesk.audit.reading import Line

Rank = tuple[int, ...]
# In a gap of any size, so that a file made to keep us busy does not.
_TRIED_MAX = 50


def identify(lines: Iterable[Line]) -> None:
    """Give broken entries the number that their neighbors know them by, whatever number they say now."""
    entries = [line for line in lines if line.kind == ENTRY and line.seq is not None]
    by_hash = {line.data["hash"]: line for line in entries if line.sound}
    by_prev = {line.data["prev"]: line for line in entries if line.sound}
    for line in entries:
        if line.sound or line.spare:
            continue
        prev, own = line.links
        if before := by_hash.get(prev):
            line.seq = (before.seq or 0) + 1
        elif after := by_prev.get(own):
            line.seq = (after.seq or 0) - 1


def settle_places(lines: Sequence[Line]) -> None:
    """Decide of each broken line whether it is the entry that it says: only if it stands between its neighbors."""
    ranked = [line for line in lines if line.sound and not line.spare and line.rank is not None]
    for place in _in_order([line.rank or () for line in ranked]):
        ranked[place].kept = True
    before: Rank = ()
    doubtful: list[Line] = []
    for line in lines:
        if line.kept and line.rank is not None:
            _settle(doubtful, before, line.rank)
            before, doubtful = line.rank, []
        elif not line.sound and not line.spare and line.seq is not None:
            doubtful.append(line)
    _settle(doubtful, before, (1 << 62,))


def _settle(doubtful: Iterable[Line], before: Rank, after: Rank) -> None:
    for line in doubtful:
        line.seq = _restored(line, range(before[0] + 1 if before else 1, after[0] + 1))
        line.spare = not (before < (line.rank or ()) < after)
        before = before if line.spare or line.rank is None else line.rank


def _restored(line: Line, free: range) -> int | None:
    """Return the number between its neighbors under which the line's hash holds: then only the number was edited."""
    if line.wrong or line.kind != ENTRY:
        return line.seq
    said = {name: value for name, value in line.data.items() if name not in ("kind", "prev", "hash")}
    near = free[:_TRIED_MAX]
    holds = (seq for seq in near if chained(said | {"seq": seq}, line.data["prev"]) == line.data["hash"])
    return next(holds, line.seq)


def gaps(entries: Mapping[int, Line], last: int) -> Iterator[Finding]:
    """Name every number up to `last` that no line has; neighbors together."""
    before, place = 0, None
    for seq in [*sorted(seq for seq in entries if seq <= last), last + 1]:
        if seq > before + 1:
            first, to = before + 1, seq - 1
            which = f"entry {first} is" if first == to else f"entries {first} to {to} are"
            beside = f"after line {place}" if place else "at the beginning"
            yield Finding(Problem.MISSING, f"{which} missing, {beside}", seq=first, seq_to=to, other_line=place)
        before, place = seq, entries[seq].number if seq in entries else None


def moves(lines: Iterable[Line]) -> Iterator[Finding]:
    """Name lines that changed places; or, where that is much less, those few that must be moved to order the others."""
    placed = [line for line in lines if line.rank is not None and not line.spare]
    moved = set(range(len(placed))) - _in_order([line.rank or () for line in placed])
    ordered = sorted(range(len(placed)), key=lambda place: placed[place].rank or ())
    ranks = {place: rank for rank, place in enumerate(ordered)}
    exchanged = {place for place, rank in ranks.items() if place != rank}
    for place in sorted(exchanged if len(exchanged) <= 2 * len(moved) else moved):
        line, rank = placed[place], ranks[place]
        beside = "first"
        if rank:
            after = placed[ordered[rank - 1]]
            beside = f"behind {after.name} (line {after.number})"
        says = f"line {line.number}: {line.name} is out of its order: it belongs {beside}"
        # Where two lines changed places, the one that stands where this one belongs is the other.
        yield Finding(Problem.MOVED, says, line=line.number, seq=line.seq, other_line=placed[rank].number)


def _in_order(ranks: Sequence[Rank]) -> set[int]:
    """Return the places of a longest strictly increasing subsequence (patience sorting)."""
    tails: list[Rank] = []
    ends: list[int] = []
    before: list[int] = []
    for place, rank in enumerate(ranks):
        at = bisect_left(tails, rank)
        tails[at : at + 1] = [rank]
        ends[at : at + 1] = [place]
        before.append(ends[at - 1] if at else -1)
    kept: set[int] = set()
    place = ends[-1] if ends else -1
    while place >= 0:
        kept.add(place)
        place = before[place]
    return kept
