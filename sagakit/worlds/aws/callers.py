"""Who calls the API, and whose wallet that caller may spend.

API Gateway lets nobody in whom Cognito does not know, and hands on the claims of the caller's ID
token (`requestContext.authorizer.claims`). A wallet is its owner's: the caller's user name is the
`user_id` of the wallet.
"""

from collections.abc import Mapping
from typing import Any

from sagakit.contract.events import encode
from sagakit.payments.api import BadRequest, Post, Response, parse

USER_NAME = "cognito:username"  # the claim that Cognito sets, and that no user can change


def caller_of(event: Mapping[str, Any]) -> str | None:
    """The user name of the caller of a proxy event, or None if it has none."""
    claims = ((event.get("requestContext") or {}).get("authorizer") or {}).get("claims") or {}
    name = claims.get(USER_NAME)
    return name if isinstance(name, str) and name else None


def refusal(event: Mapping[str, Any], post: Post) -> Response | None:
    """401 without a caller, 403 for another's wallet, else None.

    None too for what cannot be read: the service says itself what is wrong with it.
    """
    caller = caller_of(event)
    if caller is None:
        return Response(401, encode({"error": "nobody is signed in: send an ID token of Cognito"}))
    try:
        user_id = parse(post).user_id
    except BadRequest:
        return None
    if user_id == caller:
        return None
    problem = f"is not yours: signed in as {caller}, you can pay from that wallet only"
    return Response(403, encode({"field": "user_id", "error": problem}))
