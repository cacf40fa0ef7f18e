"""Everything that a secret could leak into, as bytes, and the forms in which it would be recognised there."""

from __future__ import annotations

import base64
import faulthandler
import tempfile
from pathlib import Path
from urllib.parse import quote

import psycopg
import redis


def shapes(secret: str) -> list[bytes]:
    """Return a secret as it could stand somewhere: plain, quoted, in hexadecimal, in base64 at any offset."""
    plain = secret.encode()
    found = [plain, quote(secret, safe="").encode(), plain.hex().encode()]
    for offset in range(3):
        coded = base64.b64encode(b"\0" * offset + plain).rstrip(b"=")
        # The first and the last letters also tell of what stands beside.
        inner = coded[4 if offset else 0 : -2]
        found += [inner, inner.translate(bytes.maketrans(b"+/", b"-_"))]
    return found


def leaks(secret: str, *places: bytes) -> list[bytes]:
    """Return the shapes in which a secret is found."""
    return [shape for shape in shapes(secret) if any(shape in place for place in places)]


def database_dump(owner_url: str) -> bytes:
    """Return every row of every table as `pg_dump` would write it, past row-level security."""
    dump = bytearray()
    with psycopg.connect(owner_url) as connection:
        names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall()
        for (name,) in names:
            dump += f"COPY {name}\n".encode()
            with connection.cursor().copy(f'COPY (SELECT * FROM "{name}") TO STDOUT') as copied:
                for part in copied:
                    dump += part
    return bytes(dump)


def redis_dump(url: str) -> bytes:
    """Return Redis' own dump file, its append-only files, and every key as it is served; also what RQ keeps."""
    client = redis.Redis.from_url(url)
    try:
        client.config_set("rdbcompression", "no")
        client.save()
        folder = Path(client.config_get("dir")["dir"])
        files = b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
        return files + b"".join(key + (client.dump(key) or b"") for key in client.scan_iter())
    finally:
        client.config_set("rdbcompression", "yes")
        client.close()


def crash_report(secret: str) -> bytes:
    """Return what a crash would write while a secret is at hand: the interpreter's own report of all threads."""
    with tempfile.TemporaryFile() as report:
        faulthandler.dump_traceback(report, all_threads=True)
        report.seek(0)
        written = report.read()
    assert secret, "it is at hand"
    return written
