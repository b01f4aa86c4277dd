"""The words of a template: how a resource is named within it and points to another."""

import re
from typing import Any

Resource = dict[str, Any]
Resources = dict[str, Resource]


def identity(name: str) -> str:
    """The logical id of a part: "Wallet SQS" is "WalletSQS"."""
    return "".join(word[0].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9]+", name))


def ref(name: str) -> Resource:
    return {"Ref": identity(name)}


def attribute(name: str, which: str) -> Resource:
    return {"Fn::GetAtt": [identity(name), which]}


def arn(name: str) -> Resource:
    return attribute(name, "Arn")


def substituted(text: str) -> Resource:
    return {"Fn::Sub": text}


def url_of(party: str) -> str:
    """The parameter that says where a party outside is reached."""
    return f"{identity(party)}Url"


def resource(kind: str, **properties: Any) -> Resource:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def kept(part: Resource) -> Resource:
    """A part that outlives its stack. One whose first deployment fails is taken back, so that the
    next one finds its name free."""
    return {**part, "DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}


def allow(actions: list[str], resources: list[Any], **more: Any) -> Resource:
    """A statement of a policy: these actions on these resources, and nothing else."""
    return {"Effect": "Allow", **more, "Action": actions, "Resource": resources}


def document(*statements: Resource) -> Resource:
    return {"Version": "2012-10-17", "Statement": list(statements)}
