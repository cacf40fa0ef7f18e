"""Providers that identify people: what each needs, and whether its keys are right.

Nobody is identified yet: keys are kept, shown masked and proved by a question that only reads.
"""

from copydesk.kyc.check import kyc_errors
from copydesk.kyc.table import PROVIDERS

__all__ = ["PROVIDERS", "kyc_errors"]
