"""The module that AWS Lambda loads: the template tells each function which one it is."""

import os

from sagakit.adapters.aws.functions import Function
from sagakit.adapters.aws.resources import Resources
from sagakit.payments.topology import payment_system

handler = Function(
    os.environ["SAGAKIT_FUNCTION"], payment_system(), Resources(os.environ["SAGAKIT_PREFIX"])
)
