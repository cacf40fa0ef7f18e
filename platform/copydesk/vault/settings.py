"""Settings of the vault: where the keys lie that wrap all others. What opens a key server is never in a file here."""

from __future__ import annotations

from copydesk.kernel import Setting, registry

PROVIDER = registry.declare(
    Setting(
        "vault.provider",
        default="file",
        choices=("file", "transit"),
        scope="installation",
        help="Who wraps data keys: key files under var/, or the transit engine of HashiCorp Vault or OpenBao.",
    )
)
TRANSIT_URL = registry.declare(
    Setting(
        "vault.transit_url",
        default="https://127.0.0.1:8200",
        scope="installation",
        help="Address of the key server; plain http only on this machine.",
    )
)
TRANSIT_MOUNT = registry.declare(
    Setting(
        "vault.transit_mount",
        default="transit",
        scope="installation",
        help="Path under which the key server has mounted its transit engine.",
    )
)
TRANSIT_KEY = registry.declare(
    Setting(
        "vault.transit_key",
        default="copydesk",
        scope="installation",
        help="How the key server's keys are named, before -exchange and -identity.",
    )
)
TRANSIT_CA = registry.declare(
    Setting(
        "vault.transit_ca",
        default="",
        scope="installation",
        help="File of the certificates that the key server's is checked against; empty for those of the system.",
    )
)
TRANSIT_WAIT_MS = registry.declare(
    Setting(
        "vault.transit_wait_ms",
        default=3_000,
        minimum=100,
        maximum=30_000,
        scope="installation",
        help="Longest wait for an answer of the key server, in milliseconds.",
    )
)
