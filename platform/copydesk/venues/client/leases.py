"""The common rest of every window, in Redis: one script books what processes hold and lends what is left.

Keys: `copydesk:budget:<scope>:<window>:<index>`, a hash that expires with its window; of an API key only a digest is in
the name. Fields: `all` units out, `told` the highest count that the exchange reported, and of each process `g` what it
holds, `o` how much of that may still be on its way and `d` until when, `q` the number of its last statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from redis.asyncio import Redis

from copydesk.venues.client.draw import Draw
from copydesk.venues.client.windows import LEVEL, Statement, Window

PREFIX = "copydesk:budget"
BIRTH = f"{PREFIX}:birth"  # Which run of Redis keeps the books, and from when on.
# How long a lease that Redis does not know of may still matter: until its holder drops it (`budget_link.CONFIRMED_S`),
# and then as long as an answer is waited for (`PoolLimits.read_max_s`).
CARRY_S = 15

# What a process says is absolute, so an answer that got lost does no harm: the next statement corrects the books.
# - A Redis that is new, or has forgotten (restarted, flushed), lends nothing of windows in which there may be leases
#   that it does not know of: those that began before it was born, or so soon after that a request may be on its way.
# - When a window opens, what others may have on their way from the one before is booked in it, until they speak.
# - A window whose successor is open lends nothing any more, and a statement older than the last is not heard.
_SCRIPT = """
local me, seq, now, carry = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local born = redis.call('HMGET', KEYS[1], 'run', 'at')
if born[1] ~= run then
  redis.call('HSET', KEYS[1], 'run', run, 'at', now)
  born[2] = now
end
local told = {}
for i = 2, #KEYS, 3 do
  local this, last, after = KEYS[i], KEYS[i + 1], KEYS[i + 2]
  local a = 5 + (i - 2) / 3 * 7
  local starts, ttl_ms, held, spent = tonumber(ARGV[a]), ARGV[a + 1], tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3])
  local want, most, heard = tonumber(ARGV[a + 4]), tonumber(ARGV[a + 5]), tonumber(ARGV[a + 6])
  local out = 0
  if redis.call('EXISTS', this) == 0 then
    local before = redis.call('HGETALL', last)
    local found = {}
    for f = 1, #before, 2 do found[before[f]] = before[f + 1] end
    for field, units in pairs(found) do
      local who, on_its_way = string.sub(field, 3), tonumber(units)
      if string.sub(field, 1, 2) == 'o:' and on_its_way > 0 and tonumber(found['d:' .. who]) > now then
        redis.call('HSET', this, 'g:' .. who, on_its_way, 'o:' .. who, on_its_way, 'd:' .. who, found['d:' .. who])
        out = out + on_its_way
      end
    end
    redis.call('HSET', this, 'all', out, 'told', 0)
    redis.call('PEXPIRE', this, ttl_ms)
  end
  local book = redis.call('HMGET', this, 'all', 'told', 'g:' .. me, 'q:' .. me)
  if tonumber(book[4] or 0) > seq then
    table.insert(told, 0)
    table.insert(told, 0)
  else
    out = tonumber(book[1]) + held - tonumber(book[3] or 0)
    heard = math.max(heard, tonumber(book[2]))
    local grant = 0
    if starts >= tonumber(born[2]) + carry and redis.call('EXISTS', after) == 0 then
      grant = math.max(0, math.min(want, most - out))
    end
    redis.call('HSET', this, 'all', out + grant, 'told', heard, 'g:' .. me, held + grant,
      'o:' .. me, math.max(0, held + grant - spent), 'd:' .. me, now + carry, 'q:' .. me, seq)
    table.insert(told, grant)
    table.insert(told, heard)
  end
end
return told
"""


class Ask(NamedTuple):
    """A statement about one window, and how much more is wanted for which draw."""

    name: str
    window: Window
    said: Statement
    want: int
    draw: Draw


class Lent(NamedTuple):
    """What came of an ask: units lent, and the highest count of the exchange that any process was told."""

    granted: int
    told: int


class Leases:
    """Speak to the books in Redis as one process, one statement after the other."""

    def __init__(self, redis: Redis, process: str) -> None:
        self._script = redis.register_script(_SCRIPT)
        self._process = process
        self._seq = 0

    async def ask(self, scope: str, asks: Sequence[Ask], now: float) -> list[Lent]:
        """Tell and ask for several windows at once; `now` in epoch seconds.

        Raises `RedisError` or `OSError` while Redis is away; what it may have booked then, the next ask corrects.
        """
        self._seq += 1
        keys, words = [BIRTH], [self._process, str(self._seq), f"{now:.3f}", str(CARRY_S)]
        for name, window, said, want, draw in asks:
            period_s, index = window.bounds.period_s, said.turn
            keys += [f"{PREFIX}:{scope}:{name}:{at}" for at in (index, index - 1, index + 1)]
            ttl_ms = (2 * period_s + CARRY_S) * 1000
            most = window.bounds.pool[LEVEL[draw]]
            words += map(str, (index * period_s, ttl_ms, said.held, said.spent, want, most, said.told))
        numbers = await self._script(keys=keys, args=words)
        return [Lent(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True)]
