"""A template on the emulator, and what was deployed as the emulator tells it."""

import io
import json
import zipfile
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from sagakit.contract.events import encode, loads
from sagakit.payments.api import PATH
from sagakit.worlds.aws.parts import Resource
from sagakit.worlds.aws.resources import Resources
from sagakit.worlds.emulator.changes import BEFORE, for_the_emulator


class Source(NamedTuple):
    """What wakes a function: an event source mapping."""

    arn: str  # of a queue or a stream
    function: str
    batch: int
    reports: bool
    filters: tuple[Any, ...] = ()  # one of which a record has to match, if there are any


class Deployed(NamedTuple):
    """What was deployed. Functions by the names that they have there, with their configuration."""

    functions: dict[str, dict[str, Any]]
    queues: list[Source]
    streams: list[Source]
    topics: list[tuple[str, str]]  # the queue before each topic, by name, and its ARN
    entrance: str | None  # the function that the API invokes


def deploy(content: Resource, resources: Resources, parameters: dict[str, str]) -> Deployed:
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
    outputs = {one["OutputKey"]: one["OutputValue"] for one in told.get("Outputs", [])}
    streams = []
    for part in changed.afterwards.values():
        properties = _filled_in(part["Properties"], outputs)
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
    """A file of code, of which nothing is run: the pump has the functions."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("README", "sagakit, with its extra aws")
    return file.getvalue()


def _filled_in(value: Any, outputs: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_filled_in(one, outputs) for one in value]
    if not isinstance(value, dict):
        return value
    if "Output" in value:
        return outputs[value["Output"]]
    return {key: _filled_in(one, outputs) for key, one in value.items()}


def _deployed(resources: Resources, streams: list[Source]) -> Deployed:
    found = resources.client("cloudformation").describe_stack_resources(StackName=resources.prefix)
    made = {
        one["LogicalResourceId"]: (one["ResourceType"], one["PhysicalResourceId"])
        for one in found["StackResources"]
        if "PhysicalResourceId" in one
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
    names = {one["FunctionArn"]: name for name, one in functions.items()}
    mappings = resources.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    queues = [
        _source(one, names[one["FunctionArn"]]) for one in mappings if one["FunctionArn"] in names
    ]
    entrance = None
    for kind, name in made.values():
        if kind == "AWS::ApiGateway::RestApi":
            entrance = _entrance(name, resources)
    return Deployed(functions, queues, streams, topics, entrance)


def _entrance(api: str, resources: Resources) -> str | None:
    """The function that a POST at the payments' path invokes, if the API may."""
    found = resources.client("apigateway").get_resources(restApiId=api, embed=["methods"])["items"]
    methods = {one["path"]: one.get("resourceMethods", {}) for one in found}
    if "POST" not in methods.get(PATH, {}):
        return None
    uri = methods[PATH]["POST"]["methodIntegration"]["uri"]
    name: str = uri.rpartition(":function:")[2].partition("/")[0]
    try:
        policy = loads(resources.client("lambda").get_policy(FunctionName=name)["Policy"])
    except ClientError:
        return None
    sources = [one["Condition"]["ArnLike"]["AWS:SourceArn"] for one in policy["Statement"]]
    allowed = [one for one in sources if one.split(":")[5].startswith(f"{api}/")]
    return name if any(one.endswith(f"/POST{PATH}") for one in allowed) else None


def _source(mapping: dict[str, Any], function: str) -> Source:
    filters = mapping.get("FilterCriteria", {}).get("Filters", [])
    return Source(
        mapping["EventSourceArn"],
        function,
        mapping["BatchSize"],
        "ReportBatchItemFailures" in mapping.get("FunctionResponseTypes", []),
        tuple(json.loads(one["Pattern"]) for one in filters),
    )
