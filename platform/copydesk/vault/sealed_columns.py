"""Every column that holds something sealed, and under which field and purpose: what a rotation has to visit.

Tables of packages that the vault may not know stand here by name; a test compares the list with what is declared.
"""

from __future__ import annotations

from typing import NamedTuple

from copydesk.vault.model import Purpose


class SealedColumn(NamedTuple):
    """A column of a brand's table. The row's `id` and `field` are what its values are bound to."""

    table: str
    column: str
    field: str
    purpose: Purpose


_KEYS, _PEOPLE = Purpose.EXCHANGE, Purpose.IDENTITY

SEALED_COLUMNS = (
    SealedColumn("account", "sealed_key", "api_key", _KEYS),
    SealedColumn("account", "sealed_secret", "api_secret", _KEYS),
    SealedColumn("account", "sealed_passphrase", "api_passphrase", _KEYS),
    SealedColumn("key_intake", "sealed_pair", "intake_pair", _KEYS),
    SealedColumn("totp_secret", "sealed", "totp.secret", _PEOPLE),
    SealedColumn("phone", "sealed", "phone.number", _PEOPLE),
    SealedColumn("mail", "sealed_facts", "mail.facts", _PEOPLE),
    SealedColumn("push_device", "keys", "push.keys", _PEOPLE),
    SealedColumn("notice_address", "address", "notice.address", _PEOPLE),
    SealedColumn("notice_address", "secret", "notice.secret", _PEOPLE),
)
