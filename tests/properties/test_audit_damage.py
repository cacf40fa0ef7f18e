"""Whatever is edited, removed, inserted or moved in an export of the record: it is found, and it is said where."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from copydesk.audit import Act, Actor, ActorKind, Checkpoint, Entry
from copydesk.audit.findings import Problem, Report
from copydesk.audit.lines import Frame, entry_line, export_lines
from copydesk.audit.model import canonical, chained, checkpoint_bytes, entry_of, fields_of, genesis
from copydesk.audit.signing import PublicKey, SigningKey
from copydesk.audit.verify import verify

ENTRIES = 300
BRAND = 3
AT = datetime(2026, 5, 4, 12, tzinfo=UTC)
ACTS = ("session.started", "key.connected", "staff.granted", "limit.changed", "person.viewed")


@dataclass
class Book:
    """A brand's record and the key that signed it."""

    entries: list[Entry]
    checkpoints: list[Checkpoint]
    key: SigningKey

    def lines(self) -> list[bytes]:
        last = self.entries[-1]
        frame = Frame("aurora", BRAND, last.seq, last.hash, AT + timedelta(days=2), self.public.key_id)
        return list(export_lines(frame, self.entries, self.checkpoints, self.key.sign))

    @property
    def public(self) -> PublicKey:
        return self.key.public


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    chance = random.Random(7)
    key = SigningKey(tmp_path_factory.mktemp("audit") / "key")
    entries, prev = [], genesis(BRAND)
    for seq in range(1, ENTRIES + 1):
        actor = Actor(ActorKind.USER, chance.randrange(1, 40), chance.randrange(1, 900), "203.0.113.9")
        act = Act(chance.choice(ACTS), f"user:{chance.randrange(1, 40)}", {"limit": "5"}, {"limit": str(seq)})
        entries.append(entry_of(BRAND, seq, actor, act, at=AT + timedelta(minutes=seq), prev=prev))
        prev = entries[-1].hash
    signed = [checkpoint(key, number, entries[seq - 1]) for number, seq in enumerate(range(60, ENTRIES, 60), start=1)]
    return Book(entries, signed, key)


def checkpoint(key: SigningKey, number: int, entry: Entry) -> Checkpoint:
    content = checkpoint_bytes(BRAND, number, entry.seq, entry.hash, entry.at)
    return Checkpoint(BRAND, number, entry.seq, entry.hash, entry.at, key.public.key_id, key.sign(content))


def judged(book: Book, lines: list[bytes]) -> Report:
    return verify(lines, [book.public])


def test_an_untouched_export_has_no_finding(book: Book) -> None:
    report = judged(book, book.lines())
    assert report.findings == ()
    assert (report.tenant, report.entries, report.checkpoints, report.last_seq) == ("aurora", ENTRIES, 4, ENTRIES)


class Damage:
    """An export that is harmed step by step; each line keeps a mark, so that it is known where it ended up."""

    def __init__(self, lines: list[bytes], chance: random.Random) -> None:
        self.rows = list(enumerate(lines))
        self.chance = chance
        self.harmed: set[int] = set()
        self.gone: set[int] = set()

    def free(self) -> int:
        """Choose the place of an entry that nothing was done to yet."""
        places = range(len(self.rows))
        return self.chance.choice([at for at in places if self.rows[at][0] not in self.harmed and self.is_entry(at)])

    def is_entry(self, place: int) -> bool:
        return b'"kind":"entry"' in self.rows[place][1]

    def edit(self) -> None:
        place = self.free()
        mark, raw = self.rows[place]
        self.rows[place] = (mark, self.edited(raw))
        self.harmed.add(mark)

    def edited(self, raw: bytes) -> bytes:
        said = json.loads(raw)
        name = self.chance.choice([*sorted(said.keys() - {"kind", "tenant_id"}), "a byte"])
        if name == "a byte":
            at = self.chance.randrange(len(raw) - 1)
            return raw[:at] + bytes([raw[at] ^ self.chance.choice([1, 2, 16])]) + raw[at + 1 :]
        if name in ("prev", "hash"):
            other: object = genesis(said["seq"])
        elif isinstance(said[name], str):
            other = said[name][:-1] + ("0" if said[name][-1] != "0" else "1")
        else:
            other = said["seq"] + self.chance.choice([-1, 1, 400]) if name == "seq" else {"kind": "nobody"}
        return canonical({**said, name: other}) + b"\n"

    def remove(self) -> None:
        place = self.free()
        self.gone.add(json.loads(self.rows.pop(place)[1])["seq"])

    def swap(self) -> None:
        one, other = self.free(), self.free()
        if one != other:
            self.harmed |= {self.rows[one][0], self.rows[other][0]}
            self.rows[one], self.rows[other] = self.rows[other], self.rows[one]

    def insert(self) -> None:
        source, place = self.free(), self.free()
        mark = max(mark for mark, _ in self.rows) + 1
        self.rows.insert(place, (mark, self.rows[source][1]))
        self.harmed |= {mark, self.rows[source + (place <= source)][0]}

    @property
    def lines(self) -> list[bytes]:
        return [raw for _, raw in self.rows]

    def not_located(self, report: Report) -> tuple[set[int], set[int]]:
        """Return what no finding points to: lines that were harmed, and numbers of entries that are gone."""
        at = {mark: number for number, (mark, _) in enumerate(self.rows, start=1)}
        named = {line for one in report.findings for line in (one.line, one.other_line)}
        missing = [one for one in report.findings if one.problem is Problem.MISSING]
        spans = [range(one.seq, (one.seq_to or one.seq) + 1) for one in missing if one.seq is not None]
        return (
            {at[mark] for mark in self.harmed} - named,
            {seq for seq in self.gone if not any(seq in span for span in spans)},
        )


WAYS: tuple[Callable[[Damage], None], ...] = (Damage.edit, Damage.remove, Damage.swap, Damage.insert)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_each_of_many_single_damages_is_found_and_nothing_else_is_blamed(book: Book, way: Callable[..., None]) -> None:
    whole = book.lines()
    for seed in range(25):
        damage = Damage(whole, random.Random(seed))
        way(damage)
        report = judged(book, damage.lines)
        assert not report.ok or not (damage.harmed or damage.gone), seed
        assert damage.not_located(report) == (set(), set()), seed
        at = {number for number, (mark, _) in enumerate(damage.rows, start=1) if mark in damage.harmed}
        assert {one.line for one in report.findings if one.line} <= at, seed


@pytest.mark.parametrize("seed", range(10))
def test_100_edits_deletions_and_swaps_at_once_are_all_found_and_located(book: Book, seed: int) -> None:
    chance = random.Random(seed)
    damage = Damage(book.lines(), chance)
    for _ in range(100):
        chance.choice(WAYS[:3])(damage)
    assert len(damage.harmed) + len(damage.gone) >= 90
    assert damage.not_located(judged(book, damage.lines)) == (set(), set())


def test_an_entry_edited_together_with_its_hash_is_located_by_its_follower(book: Book) -> None:
    lines = book.lines()
    place = next(at for at, raw in enumerate(lines) if b'"seq":77,' in raw)
    said = json.loads(lines[place]) | {"subject": "user:1"}
    content = {name: value for name, value in said.items() if name not in ("kind", "prev", "hash")}
    lines[place] = canonical(said | {"hash": chained(content, said["prev"])}) + b"\n"
    (finding,) = judged(book, lines).findings
    assert (finding.problem, finding.line, finding.seq) == (Problem.REWRITTEN, place + 1, 77)


def rewritten(book: Book, start: int) -> list[Entry]:
    """Change one entry and give every later one the hashes that follow from it."""
    entries = book.entries[: start - 1]
    for entry in book.entries[start - 1 :]:
        forged = replace(entry, subject="user:1") if entry.seq == start else entry
        prev = entries[-1].hash
        entries.append(replace(forged, prev=prev, hash=chained(fields_of(forged), prev)))
    return entries


@pytest.mark.parametrize(("start", "proved"), [(130, (121, 180)), (250, (241, 300))])
def test_a_record_rewritten_to_its_end_is_caught_by_what_was_signed(
    book: Book, start: int, proved: tuple[int, int]
) -> None:
    forged = {entry.seq: entry_line(entry) for entry in rewritten(book, start)}
    lines = [forged[json.loads(raw)["seq"]] if b'"kind":"entry"' in raw else raw for raw in book.lines()]
    first = judged(book, lines).findings[0]
    assert (first.problem, first.seq, first.seq_to) == (Problem.REWRITTEN, *proved)


def test_a_database_that_lost_its_newest_entries_is_caught_by_the_checkpoints_beside_the_key(book: Book) -> None:
    cut = Book(book.entries[:200], book.checkpoints, book.key)
    missing = [one for one in judged(book, cut.lines()).findings if one.problem is Problem.MISSING]
    assert [(one.seq, one.seq_to) for one in missing] == [(201, 240)]


@pytest.mark.parametrize("kept", [1, 40, 303, 304])
def test_an_export_that_was_cut_short_says_so(book: Book, kept: int) -> None:
    report = judged(book, book.lines()[:kept])
    assert any("cut short" in one.says for one in report.findings)


def test_a_checkpoint_that_was_taken_out_is_named(book: Book) -> None:
    lines = [raw for raw in book.lines() if b'"number":2,' not in raw]
    (finding,) = judged(book, lines).findings
    assert finding.says.startswith("checkpoint 2 is missing")


def test_signatures_of_another_key_prove_nothing(book: Book, tmp_path: Path) -> None:
    stranger = SigningKey(tmp_path / "key").public
    problems = {one.problem for one in verify(book.lines(), [stranger]).findings}
    assert problems == {Problem.UNKNOWN_KEY}


def test_an_entry_of_another_brand_is_no_entry_of_this_one(book: Book) -> None:
    lines, seq = book.lines(), ENTRIES // 2
    place = next(at for at, raw in enumerate(lines) if f'"seq":{seq},'.encode() in raw)
    foreign = replace(book.entries[seq - 1], tenant_id=BRAND + 1)
    lines[place] = entry_line(replace(foreign, hash=chained(fields_of(foreign), foreign.prev)))
    problems = {(one.problem, one.line, one.seq) for one in judged(book, lines).findings}
    assert problems == {(Problem.INSERTED, place + 1, seq), (Problem.MISSING, None, seq)}


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [b""],
        [b"\n"],
        [b"null\n"],
        [b"[]\n"],
        [b'{"kind":"entry"}\n'],
        [b"\xff\xfe\n"],
        [b'{"kind":"end"}\n', b'{"kind":"end"}\n'],
        [b"[" * 100_000 + b"\n"],
    ],
    ids=["nothing", "empty", "blank", "null", "list", "bare", "bytes", "ends", "deep"],
)
def test_what_is_no_record_is_refused_without_a_crash(book: Book, lines: list[bytes]) -> None:
    assert not judged(book, lines).ok
