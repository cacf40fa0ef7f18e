"""What a process has used so far, as the kernel tells it (proc(5))."""

from __future__ import annotations

import os
from pathlib import Path

_KB_PER_MB = 1024


def cpu_s(pid: int) -> float:
    """Return the processor time of a process, in seconds (fields 14 and 15 of stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    """Return the resident memory in MiB (VmRSS)."""
    return _status_mb(pid, "VmRSS:")


def rss_peak_mb(pid: int) -> float:
    """Return the most resident memory that a process ever had, in MiB (VmHWM)."""
    return _status_mb(pid, "VmHWM:")


def _status_mb(pid: int, field: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    line = next(line for line in lines if line.startswith(field))
    return int(line.split()[1]) / _KB_PER_MB
