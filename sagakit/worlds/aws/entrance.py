"""The template's way in: an API whose callers Cognito knows, behind a web application firewall.

What is the same for every stack stands in `entrance.json`, in CloudFormation's own words; names in
angle brackets are filled in here. One address may ask 2,000 times within 5 minutes.
"""

import json
from hashlib import blake2b
from pathlib import Path

from sagakit.payments.api import PATH
from sagakit.worlds.aws.cloudformation import (
    Part,
    Parts,
    attribute,
    identity,
    ref,
    resource,
    substituted,
)

STAGE = "live"


def entrance(function: str, prefix: str) -> Parts:
    """Return a REST API that hands `POST` at the payments' path to this function."""
    resources: Parts = {}
    above: Part = attribute("Api", "RootResourceId")
    path = "Api"
    for segment in PATH.strip("/").split("/"):
        path += f" {segment}"
        resources[path] = resource(
            "ApiGateway::Resource", RestApiId=ref("Api"), ParentId=above, PathPart=segment
        )
        above = ref(path)
    text = Path(__file__).with_suffix(".json").read_text(encoding="utf-8")
    for name, value in {
        "PREFIX": prefix, "FUNCTION": identity(function), "PATH": PATH, "STAGE": STAGE,
        "RESOURCE": identity(path),
    }.items():  # fmt: skip
        text = text.replace(f"<{name}>", value)
    parts: Parts = {}
    for name, part in json.loads(text).items():
        if name == "Api Post":
            parts |= resources
        if name == "Api Stage":
            # A stage stays with what was deployed until there is another deployment, and that is
            # one with another logical id (SAM does so too): it has a digest of what is deployed.
            deployed = json.dumps(parts, sort_keys=True).encode()
            deployment = f"Api Deployment {blake2b(deployed, digest_size=5).hexdigest()}"
            parts[deployment] = {
                **resource("ApiGateway::Deployment", RestApiId=ref("Api")),
                "DependsOn": identity("Api Post"),
            }
            part["Properties"]["DeploymentId"] = ref(deployment)
        parts[name] = part
    return parts


def addresses() -> Parts:
    """Return what a caller needs to know of it, as outputs of the stack."""
    url = f"https://${{Api}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}/{STAGE}{PATH}"
    return {
        "PaymentsUrl": {"Description": "Where to POST a payment", "Value": substituted(url)},
        "UsersPool": {"Description": "Who may pay: its users", "Value": ref("Users")},
        "UsersPoolClient": {"Description": "By it they sign in", "Value": ref("Users Client")},
    }
