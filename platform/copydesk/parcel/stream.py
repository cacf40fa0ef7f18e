"""A parcel as a file: sections, compressed, sealed."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedReader, BufferedWriter
from pathlib import Path
from typing import BinaryIO, cast

from copydesk.kernel import ConfigError, NotFound, Refused
from copydesk.parcel.cipher import OpeningReader, SealingWriter, Work
from copydesk.parcel.lines import SectionReader, SectionWriter
from copydesk.parcel.model import Head
from copydesk.parcel.wrapping import PassphraseStore

Begin = Callable[[], tuple[SectionReader, PassphraseStore]]
# What reading something raises that opens with the passphrase and is no parcel of ours.
STRANGE = (EOFError, gzip.BadGzipFile, zlib.error, KeyError, TypeError, ValueError)
_BUFFER_BYTES = 1 << 20
_LEVEL = 6


@contextmanager
def new_parcel(path: Path, passphrase: str, work: Work, head: Head) -> Iterator[tuple[SectionWriter, PassphraseStore]]:
    """Write a parcel for its owner only; it takes its place when all of it lies on the disk, and not otherwise."""
    if path.exists():
        raise Refused(f"{path} exists already: expected a new file")
    draft = path.with_name(f".{path.name}.{head.number}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            sealing = SealingWriter(file, passphrase, work)
            with (
                BufferedWriter(sealing, _BUFFER_BYTES) as buffered,
                gzip.GzipFile(fileobj=buffered, mode="wb", compresslevel=_LEVEL, mtime=0, filename="") as packed,
            ):
                yield SectionWriter(cast(BinaryIO, packed), head), PassphraseStore(sealing.keys.wrapping)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def open_parcel(path: Path, passphrase: str) -> Iterator[Begin]:
    """Open a parcel for reading it, as often as wanted: each call begins at its first line."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    with file:

        def begin() -> tuple[SectionReader, PassphraseStore]:
            file.seek(0)
            opening = OpeningReader(file, passphrase)
            plain = gzip.GzipFile(fileobj=BufferedReader(opening, _BUFFER_BYTES), mode="rb")
            return SectionReader(cast(BinaryIO, plain)), PassphraseStore(opening.keys.wrapping)

        yield begin
