"""Payment providers that a brand can have: what each needs, and whether its keys are right.

Nothing is charged yet: keys are kept, shown masked and proved by a question that only reads.
"""

from copydesk.payments.check import gateway_errors
from copydesk.payments.table import PROVIDERS

__all__ = ["PROVIDERS", "gateway_errors"]
