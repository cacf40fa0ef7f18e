"""Every check of the doctor, in the order of its table."""

from __future__ import annotations

from copydesk.doctor import accounts, exchanges, ground, hosts, letters, papers, queues, seals
from copydesk.doctor.case import Check

_DATABASE = "Is PostgreSQL up? `copydesk status` says more."
_REDIS = "Is Redis up? platform/docs/runbooks/redis-lost.md"
_NETWORK = "Let this machine reach the outside."

CHECKS = (
    Check("hosts", hosts.names, "Is a name server reachable from here?"),
    Check("tls", hosts.certificates, "Is the proxy up, and reachable from here?"),
    Check("mail", letters.mail_server, "Is the mail server up, and reachable from here?", deadline_s=10.0),
    Check("payments", accounts.gateways, _NETWORK, deadline_s=10.0),
    Check("kyc", accounts.identity, _NETWORK),
    Check("exchanges", exchanges.reached, "Let this machine reach the exchanges."),
    Check("brokers", exchanges.brokers, ""),
    Check("addresses", ground.shown_addresses, ""),
    Check("vault", seals.data_keys, "Is the key server up, or var/key and var/web/key in place? See security.md."),
    Check("secrets", seals.secrets, "Are var/secrets and var/web/key readable?"),
    Check("lanes", queues.lanes, _DATABASE),
    Check("figures", queues.figures, _DATABASE),
    Check("owner", papers.owner, _DATABASE),
    Check("languages", papers.languages, ""),
    Check("legal", papers.legal, _DATABASE),
    Check("record", papers.record, "Is var/audit/key readable, and PostgreSQL up?", deadline_s=30.0),
    Check("database", ground.revision, _DATABASE, whole=True),
    Check("redis", queues.redis, _REDIS, whole=True),
    Check("worker", queues.worker, _REDIS, whole=True),
    Check("egress", ground.egress, "", whole=True),
    Check("disk", ground.disk, "Is the data folder there?", whole=True),
    Check("backups", ground.backups, "Is var/backup readable?", whole=True),
)
