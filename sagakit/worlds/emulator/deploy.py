"""A template on the emulator, and what was deployed as the emulator tells it.

What of a template is otherwise there than on AWS is said here, each with its reason, and in
docs/worlds.md. The rest is deployed as it stands.
"""

import copy
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from sagakit.contract.events import encode, loads
from sagakit.payments.api import PATH
from sagakit.worlds.aws.cloudformation import Part, Parts, arn, resource, substituted
from sagakit.worlds.aws.resources import Resources

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

    content: Part
    afterwards: Parts


def for_the_emulator(content: Part) -> Changed:
    """Return a template, changed as little as can be."""
    parts: Parts = copy.deepcopy(content["Resources"])
    policies = [part for part in parts.values() if part["Type"] in POLICIES]
    afterwards: Parts = {}
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
    secrets = {
        name: _secret_arn(part)
        for name, part in afterwards.items()
        if part["Type"] == "AWS::SecretsManager::Secret"
    }
    parts = _with_references(parts, lambda it: secrets.get(str(it.get("Ref")), it))
    outputs: Parts = {}

    def output(reference: Part) -> Part:
        name = f"Value{len(outputs)}"
        outputs[name] = {"Value": reference}
        return {"Output": name}

    afterwards = _with_references(afterwards, output)
    return Changed({**content, "Resources": parts, "Outputs": outputs}, afterwards)


def _reads_stream(part: Part) -> bool:
    """Return whether it is a mapping of a stream: moto hands each write to the function of such a
    mapping in Docker, though it is disabled."""
    return part["Type"] == MAPPING and "StartingPosition" in part["Properties"]


def _aimed(rule: str, properties: Part, policies: list[Part], parts: Parts) -> Parts:
    """Aim a rule at a queue instead of a topic, to which moto does not deliver: the pump empties
    the queue, which is called as the topic is, into it. Returns the queue."""
    between: Parts = {}
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


def _may_send(policies: list[Part], service: str, source: Any, target: Any) -> bool:
    """Return whether a policy lets a service send to a target from that source."""
    return any(
        POLICIES[policy["Type"]] in statement["Action"]
        and statement["Principal"] == {"Service": service}
        and target in statement["Resource"]
        and source in statement["Condition"]["ArnEquals"]["aws:SourceArn"]
        for policy in policies
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    )


def _secret_arn(part: Part) -> Part:
    """Return the ARN of a secret that does not stand in the template. (On AWS six letters
    follow.)"""
    name = part["Properties"]["Name"]
    return substituted(f"arn:aws:secretsmanager:${{AWS::Region}}:${{AWS::AccountId}}:secret:{name}")


def _with_references(value: Any, change: Callable[[Part], Any]) -> Any:
    """Return a copy of part of a template in which each reference is what `change` makes of it."""
    if isinstance(value, list):
        return [_with_references(item, change) for item in value]
    if not isinstance(value, dict):
        return value
    if any(key in ("Ref", "Output") or key.startswith("Fn::") for key in value):
        return change(value)
    return {key: _with_references(item, change) for key, item in value.items()}


class Source(NamedTuple):
    """An event source mapping, which wakes a function."""

    arn: str  # of a queue or a stream
    function: str
    batch: int
    reports: bool
    filters: tuple[Any, ...] = ()  # one of which a record has to match, if there are any


class Deployed(NamedTuple):
    """A stack that was deployed. Functions by the names that they have there, with their
    configuration."""

    functions: dict[str, dict[str, Any]]
    queues: list[Source]
    streams: list[Source]
    topics: list[tuple[str, str]]  # the queue before each topic, by name, and its ARN
    entrance: str | None  # the function that the API invokes


def deploy(content: Part, resources: Resources, parameters: dict[str, str]) -> Deployed:
    """Create the stack from its template. `parameters` besides those of the code."""
    client, stack = resources.client, resources.prefix
    changed = for_the_emulator(content)
    code = {"CodeBucket": f"{stack}-code", "CodeKey": "functions.zip"}
    client("s3").create_bucket(
        Bucket=code["CodeBucket"],
        CreateBucketConfiguration={"LocationConstraint": resources.options["region_name"]},
    )
    client("s3").put_object(Bucket=code["CodeBucket"], Key=code["CodeKey"], Body=_code())
    client("cloudformation").create_stack(
        StackName=stack,
        TemplateBody=encode(changed.content),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in {**code, **parameters}.items()
        ],
    )
    (told,) = client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in told.get("Outputs", [])}
    streams = []
    for part in changed.afterwards.values():
        properties = _with_references(part["Properties"], lambda it: outputs[it["Output"]])
        if part["Type"] == "AWS::SNS::Subscription":
            client("sns").subscribe(
                TopicArn=properties["TopicArn"],
                Protocol=properties["Protocol"],
                Endpoint=properties["Endpoint"],
            )
        elif part["Type"] == "AWS::SecretsManager::Secret":
            client("secretsmanager").create_secret(Name=properties["Name"], SecretString="made up")
        else:
            streams.append(_source(properties, properties["FunctionName"]))
    return _deployed(resources, streams)


def _code() -> bytes:
    """Return a file of code, of which nothing is run: the pump has the functions."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("README", "sagakit, with its extra aws")
    return file.getvalue()


def _deployed(resources: Resources, streams: list[Source]) -> Deployed:
    found = resources.client("cloudformation").describe_stack_resources(StackName=resources.prefix)
    made = {
        part["LogicalResourceId"]: (part["ResourceType"], part["PhysicalResourceId"])
        for part in found["StackResources"]
        if "PhysicalResourceId" in part
    }
    functions = {
        name: resources.client("lambda").get_function_configuration(FunctionName=name)
        for kind, name in made.values()
        if kind == "AWS::Lambda::Function"
    }
    topics = [
        (made[BEFORE + logical][1].rpartition("/")[2], arn)
        for logical, (kind, arn) in made.items()
        if kind == "AWS::SNS::Topic" and BEFORE + logical in made
    ]
    names = {function["FunctionArn"]: name for name, function in functions.items()}
    mappings = resources.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    queues = [
        _source(mapping, names[mapping["FunctionArn"]])
        for mapping in mappings
        if mapping["FunctionArn"] in names
    ]
    entrance = None
    for kind, name in made.values():
        if kind == "AWS::ApiGateway::RestApi":
            entrance = _entrance(name, resources)
    return Deployed(functions, queues, streams, topics, entrance)


def _entrance(api: str, resources: Resources) -> str | None:
    """Return the function that a POST at the payments' path invokes, if the API may."""
    found = resources.client("apigateway").get_resources(restApiId=api, embed=["methods"])["items"]
    methods = {part["path"]: part.get("resourceMethods", {}) for part in found}
    if "POST" not in methods.get(PATH, {}):
        return None
    uri = methods[PATH]["POST"]["methodIntegration"]["uri"]
    name: str = uri.rpartition(":function:")[2].partition("/")[0]
    try:
        policy = loads(resources.client("lambda").get_policy(FunctionName=name)["Policy"])
    except ClientError:
        return None
    sources = [each["Condition"]["ArnLike"]["AWS:SourceArn"] for each in policy["Statement"]]
    allowed = [source for source in sources if source.split(":")[5].startswith(f"{api}/")]
    return name if any(source.endswith(f"/POST{PATH}") for source in allowed) else None


def _source(mapping: dict[str, Any], function: str) -> Source:
    filters = mapping.get("FilterCriteria", {}).get("Filters", [])
    return Source(
        mapping["EventSourceArn"],
        function,
        mapping["BatchSize"],
        "ReportBatchItemFailures" in mapping.get("FunctionResponseTypes", []),
        tuple(json.loads(each["Pattern"]) for each in filters),
    )
