"""What AWS Lambda loads: the function of the deployment that its environment names.

SAGAKIT_FUNCTION is the function's name in the topology, SAGAKIT_PREFIX that of the stack.
"""

import os
from functools import cache
from typing import Any

from sagakit.adapters.aws.functions import Function
from sagakit.adapters.aws.resources import Resources
from sagakit.payments.topology import payment_system


def handler(event: dict[str, Any], context: Any) -> Any:
    """Handle what woke it; the function is made at its first event, and kept."""
    return _function()(event, context)


@cache
def _function() -> Function:
    prefix = os.environ["SAGAKIT_PREFIX"]
    return Function(os.environ["SAGAKIT_FUNCTION"], payment_system(), Resources(prefix))
