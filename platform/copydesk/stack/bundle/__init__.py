"""Bundles: everything that serves one brand alone, as files, for one machine and for a cluster.

Owns what a deployment looks like outside of `copydesk up`: containers, proxies, manifests. Roles and their ports are
those of `stack.roles`, the proxies those of `config/proxy`; nothing of either is said here again.
"""

from copydesk.stack.bundle.parts import NEEDS, Container, Deployment, containers
from copydesk.stack.bundle.write import Change, Planned, files_of, planned, write

__all__ = ["NEEDS", "Change", "Container", "Deployment", "Planned", "containers", "files_of", "planned", "write"]
