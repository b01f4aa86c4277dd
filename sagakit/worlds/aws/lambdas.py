"""The module that AWS Lambda loads: the function of the deployment that its environment names.

SAGAKIT_FUNCTION is the function's name in the topology, SAGAKIT_PREFIX that of the stack,
SAGAKIT_SETTINGS are the settings that the stack was made from, and SAGAKIT_URLS says where each
party outside is reached that the function calls; both as JSON.
"""

import json
import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from sagakit.payments.topology import Settings, payment_system
from sagakit.worlds.aws.functions import Function
from sagakit.worlds.aws.resources import Resources


def handler(event: dict[str, Any], context: Any) -> Any:
    """Handle what woke it."""
    return _function()(event, context)


@cache
def _function() -> Function:
    return made(os.environ, Resources(os.environ["SAGAKIT_PREFIX"]))


def made(environment: Mapping[str, str], resources: Resources, **world: Any) -> Function:
    """Return the function that an environment names. `world` is what `Function` takes besides.

    Raises `pydantic.ValidationError` for settings that cannot be."""
    settings = Settings.model_validate_json(environment.get("SAGAKIT_SETTINGS", "{}"))
    urls = json.loads(environment.get("SAGAKIT_URLS", "{}"))
    name = environment["SAGAKIT_FUNCTION"]
    return Function(name, payment_system(settings), resources, urls=urls, **world)


if "SAGAKIT_FUNCTION" in os.environ:
    _function()  # while it starts, Lambda gives it a whole CPU; at 256 MB a handler has a seventh
