"""What of a template is otherwise on the emulator than on AWS, each with its reason.

These are all of them, and docs/worlds.md has them too. The rest is deployed as it stands.
"""

import copy
from typing import Any, NamedTuple

from sagakit.worlds.aws.parts import Resource, Resources, arn, ref, resource, substituted

LEFT_OUT = {
    # Moto's CloudFormation does not know them, and no event passes through them.
    "AWS::CloudWatch::Alarm",
    "AWS::Cognito::UserPool",
    "AWS::Cognito::UserPoolClient",
    "AWS::ApiGateway::Authorizer",
    "AWS::ApiGateway::Stage",
    "AWS::WAFv2::WebACL",
    "AWS::WAFv2::WebACLAssociation",
}
POLICIES = {
    # It does not know these either, and delivers to a queue whatever its policy says.
    "AWS::SQS::QueuePolicy": "sqs:SendMessage",
    "AWS::SNS::TopicPolicy": "sns:Publish",
}
BY_HAND = {
    # It does not know these, but its services do: see `deploy.py`.
    "AWS::SNS::Subscription",
    "AWS::SecretsManager::Secret",
}
BEFORE = "Before"  # a topic's logical id: the queue from which the pump fills it
MAPPING = "AWS::Lambda::EventSourceMapping"


class Changed(NamedTuple):
    """The template as the emulator gets it, and the parts that are made afterwards. What those
    point to are the stack's outputs: `{"Output": NAME}` stands for the value of one."""

    content: Resource
    afterwards: Resources


def for_the_emulator(content: Resource) -> Changed:
    """A template, changed as little as can be."""
    parts: Resources = copy.deepcopy(content["Resources"])
    policies = [part for part in parts.values() if part["Type"] in POLICIES]
    afterwards: Resources = {}
    for name, part in list(parts.items()):
        kind, properties = part["Type"], part["Properties"]
        if kind in LEFT_OUT or kind in POLICIES:
            del parts[name]
        elif kind == "AWS::SNS::Subscription" and not _may_send(
            policies, "sns.amazonaws.com", properties["TopicArn"], properties["Endpoint"]
        ):
            del parts[name]  # what AWS would not deliver
        elif kind in BY_HAND or _reads_stream(part):
            afterwards[name] = parts.pop(name)
        elif kind == MAPPING:
            properties["Enabled"] = False  # or moto starts Docker to run the function
        elif kind == "AWS::Events::Rule":
            parts |= _aimed(name, properties, policies, parts)
        elif kind == "AWS::ApiGateway::Method":
            del properties["AuthorizerId"]  # it is left out
            properties["AuthorizationType"] = "NONE"
    for name, part in afterwards.items():
        if part["Type"] == "AWS::SecretsManager::Secret":
            parts = _replaced(parts, ref(name), _secret_arn(part))
    outputs: Resources = {}
    afterwards = {name: _with_outputs(part, outputs) for name, part in afterwards.items()}
    return Changed({**content, "Resources": parts, "Outputs": outputs}, afterwards)


def _reads_stream(part: Resource) -> bool:
    """Moto hands each write to the function of such a mapping in Docker, though it is disabled."""
    return part["Type"] == MAPPING and "StartingPosition" in part["Properties"]


def _aimed(
    rule: str, properties: Resource, policies: list[Resource], parts: Resources
) -> Resources:
    """Aim a rule at a queue instead of a topic, to which moto does not deliver: the pump empties
    the queue, which is called as the topic is, into it. Returns the queue."""
    between: Resources = {}
    allowed = []
    for target in properties["Targets"]:
        if _may_send(policies, "events.amazonaws.com", arn(rule), target["Arn"]):
            allowed.append(target)  # what AWS would not deliver is taken out
        topic = target["Arn"].get("Ref")
        if topic in parts:
            queue = f"{BEFORE}{topic}"
            name = parts[topic]["Properties"]["TopicName"]
            between[queue] = resource("SQS::Queue", QueueName=name)
            target["Arn"] = arn(queue)
    properties["Targets"] = allowed
    return between


def _may_send(policies: list[Resource], service: str, source: Any, target: Any) -> bool:
    """Whether a policy lets a service send to a target from that source."""
    return any(
        POLICIES[policy["Type"]] in statement["Action"]
        and statement["Principal"] == {"Service": service}
        and target in statement["Resource"]
        and source in statement["Condition"]["ArnEquals"]["aws:SourceArn"]
        for policy in policies
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    )


def _secret_arn(part: Resource) -> Resource:
    """What a secret that does not stand in the template is called in a policy. (On AWS six letters
    follow.)"""
    name = part["Properties"]["Name"]
    return substituted(f"arn:aws:secretsmanager:${{AWS::Region}}:${{AWS::AccountId}}:secret:{name}")


def _replaced(value: Any, before: Any, after: Any) -> Any:
    if value == before:
        return after
    if isinstance(value, list):
        return [_replaced(one, before, after) for one in value]
    if isinstance(value, dict):
        return {key: _replaced(one, before, after) for key, one in value.items()}
    return value


def _with_outputs(value: Any, outputs: Resources) -> Any:
    """A part in which outputs stand for what points to other parts."""
    if isinstance(value, list):
        return [_with_outputs(one, outputs) for one in value]
    if not isinstance(value, dict):
        return value
    if {"Ref"} == set(value) or any(key.startswith("Fn::") for key in value):
        name = f"Value{len(outputs)}"
        outputs[name] = {"Value": value}
        return {"Output": name}
    return {key: _with_outputs(one, outputs) for key, one in value.items()}
