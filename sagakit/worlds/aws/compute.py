"""The template's functions: what wakes each, and a role that may do what the service uses."""

import json
from typing import Any

from sagakit.contract.deployment import Deployment, Function, Uses
from sagakit.worlds.aws import cloudformation as cf
from sagakit.worlds.aws.cloudformation import Part, Parts, called

RUNTIME = "python3.13"
MEMORY = 256  # MB
LOGS_KEPT = 30  # days
FEWEST = 2  # invocations at once that a queue can be held to (AWS Lambda: `MaximumConcurrency`)
REPORTS = ["ReportBatchItemFailures"]
CODE = {"S3Bucket": {"Ref": "CodeBucket"}, "S3Key": {"Ref": "CodeKey"}}


def compute(deployment: Deployment, prefix: str, handler: str) -> Parts:
    """Return all functions, with what wakes them and their roles."""
    parts: Parts = {}
    for function in deployment.functions:
        name = called(prefix, function.name)
        sources = _sources(function, deployment)
        parts[f"{function.name} Logs"] = cf.resource(
            "Logs::LogGroup", LogGroupName=f"/aws/lambda/{name}", RetentionInDays=LOGS_KEPT
        )
        parts[f"{function.name} Role"] = cf.resource(
            "IAM::Role",
            AssumeRolePolicyDocument=cf.document(
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": ["sts:AssumeRole"],
                }
            ),
            Policies=[
                {
                    "PolicyName": "what-it-uses",
                    "PolicyDocument": cf.document(*_permissions(function, sources, deployment)),
                }
            ],
        )
        parts[function.name] = cf.resource(
            "Lambda::Function",
            FunctionName=name,
            Runtime=RUNTIME,
            Handler=handler,
            Code=CODE,
            Timeout=-(-function.timeout // 1000),
            MemorySize=MEMORY,
            Role=cf.arn(f"{function.name} Role"),
            LoggingConfig={"LogGroup": cf.ref(f"{function.name} Logs")},
            Environment={"Variables": _told(function, deployment, prefix)},
        )
        for source in sources:
            parts[f"{source} wakes {function.name}"] = _wakes(function, source, len(sources))
        for table in deployment.tables:
            if table.owner == function.name:
                parts[f"{table.name} outbox"] = _relays(function, table.name)
                parts |= cf.outbox_alarm(function.name, prefix)
    return parts


def _told(function: Function, deployment: Deployment, prefix: str) -> Part:
    """Return the environment of a function, from which `lambdas.py` makes it."""
    told: Part = {"SAGAKIT_FUNCTION": function.name, "SAGAKIT_PREFIX": prefix}
    if deployment.settings is not None:
        told["SAGAKIT_SETTINGS"] = deployment.settings.model_dump_json()
    externals = Uses(function, deployment).externals
    if externals:
        urls = {party: f"${{{cf.url_of(party)}}}" for party in externals}
        told["SAGAKIT_URLS"] = cf.substituted(json.dumps(urls))
    return told


def _sources(function: Function, deployment: Deployment) -> list[str]:
    """Return the queues that wake a function."""
    topics = [topic for topic in deployment.topics if function.name in topic.subscribers]
    return [*function.queues, *(topic.subscription(function.name).name for topic in topics)]


def _wakes(function: Function, queue: str, queues: int) -> Part:
    """Return the mapping by which a queue wakes a function. Its queues share the invocations that
    may run at once."""
    reports = {"FunctionResponseTypes": REPORTS} if function.reports else {}
    return cf.resource(
        "Lambda::EventSourceMapping",
        FunctionName=cf.ref(function.name),
        EventSourceArn=cf.arn(queue),
        BatchSize=function.batch,
        ScalingConfig={"MaximumConcurrency": max(FEWEST, function.concurrency // queues)},
        **reports,
    )


def _relays(function: Function, table: str) -> Part:
    """Return the outbox relay: the table's stream wakes its owner with new rows of the outbox."""
    new_row = {
        "eventName": ["INSERT"],
        "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "outbox#"}]}}},
    }
    return cf.resource(
        "Lambda::EventSourceMapping",
        FunctionName=cf.ref(function.name),
        EventSourceArn=cf.attribute(table, "StreamArn"),
        StartingPosition="TRIM_HORIZON",
        BatchSize=10,
        FunctionResponseTypes=REPORTS,
        FilterCriteria={"Filters": [{"Pattern": json.dumps(new_row)}]},
    )


def _permissions(function: Function, sources: list[str], deployment: Deployment) -> list[Part]:
    """Return what a function may do: no more than its service and what wakes it need."""
    uses = Uses(function, deployment)
    logs = cf.attribute(f"{function.name} Logs", "Arn")
    found = [cf.allow(["logs:CreateLogStream", "logs:PutLogEvents"], [logs])]

    def may(actions: list[str], resources: list[Any]) -> None:
        if resources:
            found.append(cf.allow(actions, resources))

    may(
        ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
        [cf.arn(queue) for queue in sources],
    )
    if function.retry_queue:
        may(["sqs:SendMessage", "sqs:GetQueueUrl"], [cf.arn(function.retry_queue)])
    may(
        ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem",
         "dynamodb:ConditionCheckItem"],
        [cf.arn(table) for table in uses.stores],
    )  # fmt: skip
    may(
        ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator",
         "dynamodb:ListStreams"],
        [cf.attribute(table.name, "StreamArn")
         for table in deployment.tables if table.owner == function.name],
    )  # fmt: skip
    may(["events:PutEvents"], [cf.arn(deployment.bus)] if uses.publishes else [])
    may(["lambda:InvokeFunction"], [cf.arn(other) for other in uses.callers])
    may(["secretsmanager:GetSecretValue"], [cf.ref(party) for party in uses.externals])
    return found
