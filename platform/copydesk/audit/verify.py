"""Judges an export: whether every line is as it was written, and where not. Pure; needs the public key and no database.

Every entry carries its own hash and that of the entry before it, so a break does not hide what comes after it. Whoever
edits a line and computes all later hashes anew is caught by the checkpoints and by the signed last line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from copydesk.audit.findings import Finding, Problem, Report
from copydesk.audit.lines import CHECKPOINT, END, ENTRY, HEADER, digest, end_bytes
from copydesk.audit.model import chained, checkpoint_bytes, genesis
from copydesk.audit.order import gaps, identify, moves, settle_places
from copydesk.audit.reading import Line, read_line
from copydesk.audit.signing import PublicKey


@dataclass
class _Desk:
    """The lines in the order of the file, the keys that count, and what is already known to be wrong."""

    known: Mapping[str, PublicKey]
    lines: list[Line] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def of(self, kind: str) -> Iterator[Line]:
        return (line for line in self.lines if line.kind == kind)

    def find(self, problem: Problem, line: Line | None, says: str, **where: Any) -> None:
        """Note a finding; one about a line begins with its number."""
        if line is None:
            self.findings.append(Finding(problem, says, **where))
        else:
            where = {"seq": line.seq} | where
            self.findings.append(Finding(problem, f"line {line.number}: {says}", line=line.number, **where))


def verify(lines: Iterable[bytes], keys: Iterable[PublicKey]) -> Report:
    """Judge an export given as lines with their line feeds; raises nothing, however broken the file is."""
    desk = _Desk({key.key_id: key for key in keys})
    for number, raw in enumerate(lines, start=1):
        line = read_line(number, raw)
        if line.kind == ENTRY and not line.wrong:
            _judge_hash(line)
        desk.lines.append(line)
    header, end = _frame(desk)
    frame = end or header
    _entries(desk, frame.data["tenant_id"] if frame else None)
    checkpoints = _checkpoints(desk)
    identify(desk.lines)
    settle_places(desk.lines)
    _broken(desk)
    chosen = _chosen(desk)
    _chain(desk, chosen)
    _signed_hashes(desk, chosen, checkpoints, end)
    last = _last(desk, chosen, checkpoints, end)
    desk.findings += [*gaps(chosen, last), *moves(desk.lines)]
    found = tuple(sorted(desk.findings, key=lambda one: (one.line or one.other_line or 0, one.seq or 0)))
    tenant = header.data["tenant"] if header else ""
    return Report(tenant, entries=len(chosen), checkpoints=len(checkpoints), last_seq=last, findings=found)


def _frame(desk: _Desk) -> tuple[Line | None, Line | None]:
    """Judge the first and the last line, of which the last signs the first; return those that count."""
    for line in desk.of(END):
        line.sound = not line.wrong and _holds(desk, line, end_bytes(line.data))
    end = next((line for line in desk.of(END) if line.sound), None)
    header = next((line for line in desk.of(HEADER) if not line.wrong), None)
    if not any(desk.of(END)):
        desk.find(Problem.MISSING, None, "the signed last line is missing: the export was cut short")
    if not any(desk.of(HEADER)):
        desk.find(Problem.MISSING, None, "the first line, which says whose record this is, is missing")
    if header is not None:
        header.sound = end is None or end.data["header"] == digest(header.raw)
        if not header.sound:
            desk.find(Problem.EDITED, header, "the header is not the one that the last line was signed with")
    for kind, chosen in ((HEADER, header), (END, end)):
        for line in list(desk.of(kind)):
            if chosen is not None and line is not chosen:
                line.spare = True
                desk.find(Problem.INSERTED, line, f"it is a second {kind} line beside line {chosen.number}")
    return header, end


def _judge_hash(line: Line) -> None:
    """Judge an entry by itself: whether it has the hash that it names. Of a right one only its links are kept."""
    content = {name: value for name, value in line.data.items() if name not in ("kind", "prev", "hash")}
    line.sound = chained(content, line.data["prev"]) == line.data["hash"]
    if line.sound:
        line.raw, line.data = b"", {name: line.data[name] for name in ("tenant_id", "seq", "prev", "hash")}


def _entries(desk: _Desk, tenant_id: int | None) -> None:
    """Name entries of another brand; they are none of this one's."""
    for line in desk.of(ENTRY):
        if line.sound and tenant_id is not None and line.data["tenant_id"] != tenant_id:
            line.sound, line.spare, line.foreign = False, True, True
            desk.find(Problem.INSERTED, line, f"entry {line.seq} belongs to the record of another brand")


def _broken(desk: _Desk) -> None:
    """Tell of lines that cannot be read and of entries whose hash does not hold."""
    for line in desk.lines:
        if line.wrong:
            desk.find(Problem.UNREADABLE, line, line.wrong)
        elif line.kind != ENTRY or line.sound or line.foreign:
            continue
        elif line.data["seq"] == line.seq:
            desk.find(Problem.EDITED, line, f"entry {line.seq} was edited: it does not have the hash that it names")
        else:
            desk.find(Problem.EDITED, line, f"entry {line.seq} was edited: it says now that it is {line.data['seq']}")


def _checkpoints(desk: _Desk) -> list[Line]:
    """Judge every checkpoint by its signature; return those that hold, in order."""
    sound: dict[bytes, Line] = {}
    for line in desk.of(CHECKPOINT):
        if line.wrong:
            continue
        said = line.data
        at = datetime.fromisoformat(said["at"])
        content = checkpoint_bytes(said["tenant_id"], said["number"], said["seq"], said["hash"], at)
        line.sound = _holds(desk, line, content)
        if line.sound and sound.setdefault(line.raw, line) is not line:
            line.spare = True
            desk.find(Problem.INSERTED, line, f"{line.name} stands a second time")
    ordered = sorted(sound.values(), key=lambda one: (one.data["seq"], one.data["number"]))
    counted = {line.data["number"] for line in desk.of(CHECKPOINT) if not line.wrong}
    highest = max((line.data["number"] for line in ordered), default=0)
    for number in sorted(set(range(1, highest + 1)) - counted):
        behind = next(line for line in ordered if line.data["number"] > number)
        says = f"checkpoint {number} is missing, before line {behind.number}"
        desk.find(Problem.MISSING, None, says, other_line=behind.number)
    return ordered


def _chosen(desk: _Desk) -> dict[int, Line]:
    """Return the one line of each number: the one in order with the right hash, where several have the number."""
    chosen: dict[int, Line] = {}
    candidates = [line for line in desk.of(ENTRY) if not line.spare]
    for line in sorted(candidates, key=lambda one: (not one.sound, not one.kept)):
        if line.seq is None:
            continue
        first = chosen.setdefault(line.seq, line)
        if first is not line:
            line.spare = True
            says = f"entry {line.seq} stands a second time; the other one is line {first.number}"
            desk.find(Problem.INSERTED, line, says, other_line=first.number)
    return chosen


def _chain(desk: _Desk, chosen: Mapping[int, Line]) -> None:
    """Find entries that have a right hash of their own and yet are not those that their followers were written on."""
    for seq in sorted(chosen):
        line, before = chosen[seq], chosen.get(seq - 1)
        if not line.sound:
            continue
        if seq == 1 and line.data["prev"] != genesis(line.data["tenant_id"]):
            desk.find(Problem.REWRITTEN, line, "entry 1 does not begin this brand's chain: it was rewritten")
        if before and before.sound and line.data["prev"] != before.data["hash"]:
            says = f"entry {seq - 1} is not the one that entry {seq} was written on: one of the two was rewritten"
            desk.find(Problem.REWRITTEN, before, says, seq_to=seq, other_line=line.number)


def _signed_hashes(desk: _Desk, chosen: Mapping[int, Line], checkpoints: list[Line], end: Line | None) -> None:
    """Hold what was signed to the entries that stand there."""
    agreed = 0
    for line in [*checkpoints, *([end] if end and end.data["seq"] else [])]:
        seq = line.data["seq"]
        entry = chosen.get(seq)
        if entry is None or not entry.sound:
            continue  # That it is missing or edited is told already.
        if entry.data["hash"] == line.data["hash"]:
            agreed = max(agreed, seq)
        else:
            says = (
                f"{line.name} (line {line.number}) signed another entry {seq}: it, or entries before it from "
                f"{agreed + 1} on, were rewritten with new hashes"
            )
            desk.find(Problem.REWRITTEN, entry, says, seq=agreed + 1, seq_to=seq, other_line=line.number)


def _last(desk: _Desk, chosen: Mapping[int, Line], checkpoints: list[Line], end: Line | None) -> int:
    """Return how many entries there must be, and name those that came after the signed end."""
    if end is not None:
        last = int(end.data["seq"])
        for seq in sorted(seq for seq in chosen if seq > last):
            says = f"entry {seq} came after the end of the record, whose last was {last}"
            desk.find(Problem.INSERTED, chosen[seq], says)
        stand = sum(not line.spare for line in desk.of(CHECKPOINT))
        told = any(one.says.startswith("checkpoint") for one in desk.findings)
        if stand < end.data["checkpoints"] and not told:
            says = f"{end.data['checkpoints'] - stand} of {end.data['checkpoints']} checkpoints are missing"
            desk.find(Problem.MISSING, None, says, other_line=end.number)
    signed = [int(line.data["seq"]) for line in [*checkpoints, *([end] if end else [])]]
    sound = [seq for seq, line in chosen.items() if line.sound]
    return max([*signed, *([] if end else sound)], default=0)


def _holds(desk: _Desk, line: Line, content: bytes) -> bool:
    """Say whether a line's signature holds under one of the given keys."""
    key = desk.known.get(line.data["key_id"])
    if key is None:
        says = f"{line.name} names the key {line.data['key_id'][:32]}, which was not given"
        desk.find(Problem.UNKNOWN_KEY, line, says)
    elif not key.has_signed(content, line.data["signature"]):
        desk.find(Problem.EDITED, line, f"{line.name} was edited: its signature does not hold")
    return key is not None and key.has_signed(content, line.data["signature"])
