"""A deployment as a CloudFormation template, made from the deployment's data alone.

    sagakit template --prefix prod > stack.json

Every resource that the functions look up by name is called as `names.called` says, so that the
stack's name is its prefix. What the deployment calls a store of backups or of past events is not
in it: in AWS, DynamoDB's own backups and an archive of EventBridge do that.
"""

import json
from typing import Any

from sagakit.contract.deployment import Deployment, Uses
from sagakit.contract.imports import extra
from sagakit.payments.api import Post
from sagakit.worlds.aws.alarms import ALARMS
from sagakit.worlds.aws.compute import compute
from sagakit.worlds.aws.entrance import addresses, entrance
from sagakit.worlds.aws.limits import within_limits
from sagakit.worlds.aws.messaging import messaging
from sagakit.worlds.aws.names import LONGEST, BadName, called, checked
from sagakit.worlds.aws.parts import (
    Resource,
    Resources,
    identity,
    kept,
    ref,
    resource,
    url_of,
)

HANDLER = "sagakit.worlds.aws.lambdas.handler"


def template(
    deployment: Deployment, prefix: str = "sagakit", *, handler: str = HANDLER
) -> Resource:
    """The template, as CloudFormation reads it: the same for the same deployment, byte for byte.

    `handler` is the Python name of the functions' handler; `lambdas.py` is the payment system's.

    Raises `BadName` for a prefix, or a name of a part, that AWS would refuse, and `BadNumber` for a
    number.
    """
    checked(prefix)
    within_limits(deployment)
    externals = [one.name for one in deployment.others if one.kind == "external"]
    parts = [messaging(deployment, prefix)]
    parts += [{one.name: _table(one.name, prefix)} for one in deployment.tables]
    parts += [{one: _secret(one, prefix)} for one in externals]
    parts.append(compute(deployment, prefix, handler))
    entrances = [one.name for one in deployment.functions if Post in Uses(one, deployment).handles]
    parts += [entrance(one, prefix) for one in entrances]
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"The stack {prefix}, generated from its deployment as data",
        "Parameters": {
            "CodeBucket": _parameter("The S3 bucket with the functions' code"),
            "CodeKey": _parameter("The zip file in it: sagakit with its extra aws"),
            **{url_of(one): _url(one) for one in externals},
        },
        "Resources": _identified(parts),
        "Outputs": {
            "AlarmsTopic": {"Description": "Subscribe to hear alarms", "Value": ref(ALARMS)},
            **(addresses() if entrances else {}),
        },
    }


def as_json(content: Resource) -> str:
    return json.dumps(content, indent=2)


def as_yaml(content: Resource) -> str:
    with extra("aws"):
        import yaml  # only this format needs it

    apart = json.loads(json.dumps(content))  # what is shared would be an alias: AWS refuses those
    text: str = yaml.safe_dump(apart, sort_keys=False, width=100)
    return text.rstrip("\n")


FORMATS = {"json": as_json, "yaml": as_yaml}


def _parameter(description: str) -> Resource:
    return {"Type": "String", "Description": description}


def _url(party: str) -> Resource:
    """Where a party outside is reached: not by a way on which others read the token."""
    return {
        **_parameter(f"Where {party} is reached"),
        "AllowedPattern": r'https://[^\s"\\]+',
        "ConstraintDescription": "it begins with https://",
    }


def _identified(groups: list[Resources]) -> Resources:
    """All parts by their logical ids. Raises `BadName`."""
    found: dict[str, Any] = {}
    for group in groups:
        for name, part in group.items():
            if identity(name) in found:
                raise BadName(f"two parts are called {identity(name)} in the stack: rename {name}")
            found[identity(name)] = part
            for what, text in part["Properties"].items():
                if what.endswith("Name") and isinstance(text, str) and len(text) > LONGEST:
                    raise BadName(f"{text!r} is longer than {LONGEST} characters: shorten {name!r}")
    return found


def _table(name: str, prefix: str) -> Resource:
    """A table: encrypted, backed up, kept if the stack goes, and with a stream for its outbox."""
    return kept(
        resource(
            "DynamoDB::Table",
            TableName=called(prefix, name),
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            SSESpecification={"SSEEnabled": True},
            StreamSpecification={"StreamViewType": "NEW_IMAGE"},
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        )
    )


def _secret(name: str, prefix: str) -> Resource:
    """The token that a party outside asks for. It is made up, so that none stands in a template:
    put the real one in with `aws secretsmanager put-secret-value`. Nothing in here depends on a
    parameter: what changes is made up anew."""
    return resource(
        "SecretsManager::Secret",
        Name=called(prefix, name),
        GenerateSecretString={"ExcludePunctuation": True},
    )
