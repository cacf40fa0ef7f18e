"""What stands beside the manifests: what to fill in, how secrets are made, and the steps."""

from __future__ import annotations

from pathlib import Path
from string import Template

from copydesk.stack.bundle.parts import (
    APP,
    DATABASE,
    LAB_EXAMPLE,
    OWNER,
    PARCELS,
    USER,
    Deployment,
    containers,
    port_of,
)
from copydesk.stack.bundle.pods import EXCHANGE, PAGES, SECRET_KEYS, SERVERS
from copydesk.stack.bundle.pods import OWNER as OWNER_SECRET
from copydesk.stack.bundle.written import lines


def env_example(deployment: Deployment) -> bytes:
    """Return `.env.example`: nothing in it is secret."""
    lab = (
        "",
        f"# {deployment.name} offers simulated exchanges: where they run (copydesk lab serve, on a machine of yours).",
        *(f"{name}={value}" for name, value in LAB_EXAMPLE.items()),
    )
    return lines(
        "# Copy to .env and fill in. Secrets are files in secrets/, made by secrets.sh, and never here.",
        f"COPYDESK_IMAGE={deployment.image}",
        "",
        "# Whom the certificates' issuer writes to.",
        "ACME_EMAIL=",
        lab if deployment.lab else (),
    )


def ignored() -> bytes:
    """Return `.gitignore`: what may never be committed."""
    return lines(".env", "secrets/", "secret.yaml", f"{PARCELS}/")


def roles_script() -> bytes:
    """Return what a new PostgreSQL runs once: it makes the role that the application connects as."""
    return lines(
        "#!/bin/sh",
        "# Run by the PostgreSQL image when its data folder is new.",
        "set -eu",
        'psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set ON_ERROR_STOP=1 \\',
        '    --set role="$APP_ROLE" --set password="$(cat /run/secrets/app_password)" <<\'SQL\'',
        "CREATE ROLE :\"role\" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'password';",
        "SQL",
    )


def secrets_script() -> bytes:
    """Return what makes every secret of the Compose deployment that is not there yet."""
    return lines(
        "#!/bin/sh",
        "# Makes what is missing in secrets/, and changes nothing that is there. Run it as root, once.",
        "set -eu",
        "umask 077",
        'cd "$(dirname "$0")"',
        f"mkdir -p secrets {PARCELS}",
        "",
        'password() { [ -s "secrets/$1" ] || openssl rand -hex 24 | tr -d \'\\n\' > "secrets/$1"; }',
        'key() { [ -s "secrets/$1" ] || printf \'copydesk-key-1:%s\\n\' "$(openssl rand -base64 32)" > "secrets/$1"; }',
        "address() {",
        f'    printf \'postgresql://%s:%s@postgres/{DATABASE}\' "$2" "$(cat "secrets/$3")" > "secrets/$1"',
        "}",
        "",
        "password owner_password",
        "password app_password",
        f"address database_url {APP} app_password",
        f"address database_owner_url {OWNER} owner_password",
        "key exchange_key",
        "key pages_key",
        "",
        "# The folder is closed to everybody else; each container sees the files that it is given, and no others.",
        "chmod 0700 secrets",
        "chmod 0444 secrets/owner_password secrets/app_password secrets/database_url secrets/database_owner_url",
        "chmod 0400 secrets/exchange_key secrets/pages_key",
        "# Whose the brand's folder and parcels are: the operator's container writes there.",
        f"chown -R {USER}:{USER} secrets/exchange_key secrets/pages_key tenants {PARCELS}",
        "echo 'secrets/ is complete; keep exchange_key and pages_key apart from every backup of the database'",
    )


def readme(deployment: Deployment) -> bytes:
    """Return `README.md`: the steps, in order."""
    steps = Template((Path(__file__).parent / "steps.md").read_text())
    return steps.substitute(
        name=deployment.name,
        slug=deployment.slug,
        version=deployment.version,
        image=deployment.image,
        hosts=", ".join(deployment.hosts),
        first=deployment.hosts[0],
        roles=", ".join(one.name for one in containers()),
        web=port_of("web"),
        live=port_of("live"),
        secrets="\n".join(f"   - `{name}`: {what}" for name, what in _secret_words()),
        user=USER,
        owner=OWNER,
        database=DATABASE,
    ).encode()


def _secret_words() -> list[tuple[str, str]]:
    words = {
        SERVERS: "the database as the application's role, and Redis",
        OWNER_SECRET: "the database as the schema's owner; only the migration has it",
        EXCHANGE: "`copydesk-key-1:` and 32 random bytes in base64; opens exchange keys",
        PAGES: "the same for second factors, secrets and links; another one",
    }
    return [(name, words[name]) for name in SECRET_KEYS]
