"""Whose copies count where followers are counted, and what they earned is: everybody's but those of demo accounts.

What a demo account holds was given away for trying. Its owner sees it as anything else; it is in no number that others
judge a strategy by, and in none that is paid for.
"""

from __future__ import annotations


def counted(alias: str) -> str:
    """Return the condition that a row with a brand and an account, named `alias` in a query, is of no demo account."""
    return (
        f"NOT EXISTS (SELECT FROM account AS demo WHERE demo.tenant_id = {alias}.tenant_id "
        f"AND demo.id = {alias}.account_id AND demo.demo)"
    )
