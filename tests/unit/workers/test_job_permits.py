"""Every job says what it may do, as every view does."""

from __future__ import annotations

import inspect
import subprocess
import sys

from copydesk.workers import clerk_jobs, jobs
from copydesk.workers.permits import SystemPermission


def test_every_job_declares_its_permission() -> None:
    found = {
        name: getattr(job, "needs", None)
        for module in (jobs, clerk_jobs)
        for name, job in inspect.getmembers(module, inspect.isfunction)
        if job.__module__ == module.__name__ and not name.startswith("_")
    }
    assert found == {
        "drain": SystemPermission.COPY,
        "reconcile": SystemPermission.RECONCILE,
        "mirror": SystemPermission.MIRROR,
        "prepare": SystemPermission.SET_UP,
        "follow": SystemPermission.FIGURE,
    }


def test_jobs_bring_nothing_of_pages_or_people_along() -> None:
    told = "import sys, copydesk.workers.permits; print([m for m in sys.modules if m.startswith(('flask', 'argon2'))])"
    found = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
