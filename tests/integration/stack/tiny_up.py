"""Run `copydesk up` on small stand-in roles: an HTTP server with a child, and a worker that only waits.

python tiny_up.py VAR_DIR PORT [crash]
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from copydesk.cli.up import run_roles
from copydesk.kernel import CopydeskError
from copydesk.stack import Role, RoleOptions

_SERVE = (
    "import os, subprocess, sys, http.server as h;"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']);"
    "print('owner url' if 'DATABASE_OWNER_URL' in os.environ else 'no owner url', flush=True);"
    "h.HTTPServer(('127.0.0.1', int(sys.argv[1])), h.SimpleHTTPRequestHandler).serve_forever()"
)
_CRASH = "import sys; sys.exit('the stand-in refuses to work')"

if __name__ == "__main__":
    worker = _CRASH if "crash" in sys.argv else "import time; time.sleep(600)"
    roles = (
        Role("web", ("{python}", "-c", _SERVE, "{port}"), ports=(("port", "--port"),)),
        Role("worker", ("{python}", "-c", worker)),
    )
    options = RoleOptions(root=Path.cwd(), var_dir=Path(sys.argv[1]), port=int(sys.argv[2]))
    try:
        run_roles(roles, options, os.environ, ["the sites"])
    except CopydeskError as error:
        sys.exit(str(error))
