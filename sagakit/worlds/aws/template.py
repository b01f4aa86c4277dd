"""A deployment as a CloudFormation template, made from the deployment's data alone.

    sagakit template --prefix prod > stack.json

Every resource that the functions look up by name is called as `cloudformation.called` says, so that
the stack's name is its prefix. What the deployment calls a store of backups or of past events is
not in it: in AWS, DynamoDB's own backups and an archive of EventBridge do that.
"""

import json
from hashlib import blake2b
from pathlib import Path
from typing import Any

from sagakit.contract.deployment import VISIBILITY_TIMES, Deployment, Queue, Rule, Topic, Uses
from sagakit.contract.imports import extra
from sagakit.contract.timing import duration
from sagakit.payments.api import PATH, Post
from sagakit.worlds.aws import cloudformation as cf
from sagakit.worlds.aws.cloudformation import BadName, Part, Parts, called
from sagakit.worlds.aws.compute import compute

LONGEST_TIMEOUT = 900_000  # ms that a function may take (Lambda, "Quotas")
MOST_BATCH = 10  # messages of SQS; more need a batching window, which the template does not set
MOST_AT_ONCE = 1_000  # invocations that a queue can be held to (Lambda: `MaximumConcurrency`)


class BadNumber(ValueError):
    """A number that AWS refuses: the text says which, and what it may be."""


def within_limits(deployment: Deployment) -> None:
    """Raise `BadNumber` for a number that AWS refuses."""
    visibilities = {queue.name: queue.visibility for queue in deployment.queues}
    for function in deployment.functions:
        name, works = function.name, f"may work for {duration(function.timeout)}"
        if function.timeout > LONGEST_TIMEOUT:
            raise BadNumber(
                f"{name} {works}: Lambda cuts a function off after {duration(LONGEST_TIMEOUT)} at "
                f"the latest"
            )
        if function.batch > MOST_BATCH:
            raise BadNumber(
                f"{name} takes batches of {function.batch}: at most {MOST_BATCH} can be deployed"
            )
        if function.queues and function.concurrency > MOST_AT_ONCE * len(function.queues):
            raise BadNumber(
                f"{name} runs {function.concurrency} at once: Lambda takes at most {MOST_AT_ONCE} "
                f"for each of its queues"
            )
        for queue in function.queues:
            if visibilities[queue] < function.timeout:
                raise BadNumber(
                    f"{queue} hides a message for {duration(visibilities[queue])}, and {name} "
                    f"{works}: Lambda takes no queue that hides a message for less than that"
                )


DAY = 24 * 60 * 60  # s
KEPT = 4 * DAY  # a message that nobody handles (SQS's default)
KEPT_DEAD = 14 * DAY  # the longest that SQS offers
ATTEMPTS = 185  # of EventBridge to deliver an event, within a day (its defaults)


def messaging(deployment: Deployment, prefix: str) -> Parts:
    """Return all that lies between the functions."""
    parts = {
        deployment.bus: cf.resource("Events::EventBus", Name=called(prefix, deployment.bus)),
        **cf.alarms_topic(prefix),
    }
    for queue in deployment.queues:
        name, dead = queue.name, queue.dead_letters
        parts |= _queue(name, dead, queue.visibility // 1000, queue.receives, prefix)
        parts |= _may_send("events", [name, dead], _rules_to(name, deployment))
    for topic in deployment.topics:
        parts |= _topic(topic, deployment, prefix)
    for rule in deployment.rules:
        parts[rule_name(rule)] = _rule(rule, deployment, prefix)
    return parts


def rule_name(rule: Rule) -> str:
    return f"{rule.event.__name__} to {rule.target}"


def _rule(rule: Rule, deployment: Deployment, prefix: str) -> Part:
    """Return a rule. If it renames, a transformer writes the new `detail-type` and passes `detail`
    on as it is: the ids of the new event are a hash of its cause's, which a transformer cannot
    compute, so that the function makes the event itself, from what it was.
    """
    topics = [topic.name for topic in deployment.topics]
    target = {
        "Id": "target",
        "Arn": cf.ref(rule.target) if rule.target in topics else cf.arn(rule.target),
        "RetryPolicy": {"MaximumRetryAttempts": ATTEMPTS, "MaximumEventAgeInSeconds": DAY},
        "DeadLetterConfig": {"Arn": cf.arn(_dead_letters(rule.target, deployment))},
    }
    if rule.rename:
        target["InputTransformer"] = {
            "InputPathsMap": {"detail": "$.detail"},
            "InputTemplate": f'{{"detail-type": "{rule.rename.__name__}", "detail": <detail>}}',
        }
    return cf.resource(
        "Events::Rule",
        Name=called(prefix, rule_name(rule)),
        EventBusName=cf.attribute(deployment.bus, "Name"),
        EventPattern={"detail-type": [rule.event.__name__]},
        Targets=[target],
    )


def _queue(name: str, dead: str, visibility: int, receives: int, prefix: str) -> Parts:
    """Return a queue, its dead-letter queue, and the alarm on that. Times in s."""
    return {
        dead: _dead_letter_queue(dead, prefix),
        name: cf.resource(
            "SQS::Queue",
            QueueName=called(prefix, name),
            VisibilityTimeout=visibility,
            MessageRetentionPeriod=KEPT,
            SqsManagedSseEnabled=True,
            RedrivePolicy={"deadLetterTargetArn": cf.arn(dead), "maxReceiveCount": receives},
        ),
        **cf.dead_letters_alarm(dead, prefix),
    }


def _dead_letter_queue(name: str, prefix: str) -> Part:
    return cf.resource(
        "SQS::Queue",
        QueueName=called(prefix, name),
        MessageRetentionPeriod=KEPT_DEAD,
        SqsManagedSseEnabled=True,
    )


def _topic(topic: Topic, deployment: Deployment, prefix: str) -> Parts:
    """Return a topic with a queue for each subscriber, and one for what never reached the topic."""
    dead = topic.dead_letters
    rules = _rules_to(topic.name, deployment)
    publishers = cf.allow(
        ["sns:Publish"],
        [cf.ref(topic.name)],
        Principal={"Service": "events.amazonaws.com"},
        Condition={"ArnEquals": {"aws:SourceArn": [cf.arn(rule) for rule in rules]}},
    )
    parts = {
        topic.name: cf.resource("SNS::Topic", TopicName=called(prefix, topic.name)),
        f"{topic.name} Policy": cf.resource(
            "SNS::TopicPolicy", Topics=[cf.ref(topic.name)], PolicyDocument=cf.document(publishers)
        ),
        dead: _dead_letter_queue(dead, prefix),
        **cf.dead_letters_alarm(dead, prefix),
        **_may_send("events", [dead], rules),
    }
    timeouts = {function.name: function.timeout for function in deployment.functions}
    for subscriber in topic.subscribers:
        queue = topic.subscription(subscriber)
        name, dead = queue.name, f"{queue.name} DLQ"
        visibility = -(-max(queue.visibility, VISIBILITY_TIMES * timeouts[subscriber]) // 1000)
        parts |= _queue(name, dead, visibility, queue.receives, prefix)
        parts |= _may_send("sns", [name, dead], [topic.name])
        parts[f"{name} Subscription"] = cf.resource(
            "SNS::Subscription",
            TopicArn=cf.ref(topic.name),
            Protocol="sqs",
            Endpoint=cf.arn(name),
            RedrivePolicy={"deadLetterTargetArn": cf.arn(dead)},
        )
    return parts


def _may_send(service: str, queues: list[str], senders: list[str]) -> Parts:
    """Return a policy: EventBridge or SNS may send to these queues, from those rules or that topic
    alone."""
    sources = [cf.ref(sender) if service == "sns" else cf.arn(sender) for sender in senders]
    if not sources:
        return {}
    return {
        f"{queues[0]} Policy": cf.resource(
            "SQS::QueuePolicy",
            Queues=[cf.ref(queue) for queue in queues],
            PolicyDocument=cf.document(
                cf.allow(
                    ["sqs:SendMessage"],
                    [cf.arn(queue) for queue in queues],
                    Principal={"Service": f"{service}.amazonaws.com"},
                    Condition={"ArnEquals": {"aws:SourceArn": sources}},
                )
            ),
        )
    }


def _rules_to(target: str, deployment: Deployment) -> list[str]:
    return [rule_name(rule) for rule in deployment.rules if rule.target == target]


def _dead_letters(target: str, deployment: Deployment) -> str:
    among: tuple[Queue | Topic, ...] = (*deployment.queues, *deployment.topics)
    return next(each.dead_letters for each in among if each.name == target)


HANDLER = "sagakit.worlds.aws.lambdas.handler"


def template(deployment: Deployment, prefix: str = "sagakit", *, handler: str = HANDLER) -> Part:
    """Return the template, as CloudFormation reads it: the same for the same deployment, byte for
    byte.

    `handler` is the Python name of the functions' handler; `lambdas.py` is the payment system's.

    Raises `BadName` for a prefix, or a name of a part, that AWS would refuse, and `BadNumber` for a
    number.
    """
    if not cf.PREFIX.fullmatch(prefix):
        raise BadName(
            f"the prefix {prefix!r} cannot be: use up to 20 small letters, digits and dashes, and "
            f"begin with a letter"
        )
    within_limits(deployment)
    externals = [other.name for other in deployment.others if other.kind == "external"]
    parts = [messaging(deployment, prefix)]
    parts += [{table.name: _table(table.name, prefix)} for table in deployment.tables]
    parts += [{party: _secret(party, prefix)} for party in externals]
    parts.append(compute(deployment, prefix, handler))
    entrances = [
        entrance(function.name, prefix)
        for function in deployment.functions
        if Post in Uses(function, deployment).handles
    ]
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"The stack {prefix}, generated from its deployment as data",
        "Parameters": {
            "CodeBucket": _parameter("The S3 bucket with the functions' code"),
            "CodeKey": _parameter("The zip file in it: sagakit with its extra aws"),
            **{cf.url_of(party): _url(party) for party in externals},
        },
        "Resources": _identified(parts + entrances),
        "Outputs": {
            "AlarmsTopic": {"Description": "Subscribe to hear alarms", "Value": cf.ref(cf.ALARMS)},
            **(addresses() if entrances else {}),
        },
    }


def as_json(content: Part) -> str:
    return json.dumps(content, indent=2)


def as_yaml(content: Part) -> str:
    with extra("aws"):
        import yaml  # only this format needs it

    apart = json.loads(json.dumps(content))  # what is shared would be an alias: AWS refuses those
    text: str = yaml.safe_dump(apart, sort_keys=False, width=100)
    return text.rstrip("\n")


FORMATS = {"json": as_json, "yaml": as_yaml}


def _parameter(description: str) -> Part:
    return {"Type": "String", "Description": description}


def _url(party: str) -> Part:
    """Return the parameter for the URL of a party outside: https, or others read the token."""
    return {
        **_parameter(f"Where {party} is reached"),
        "AllowedPattern": r'https://[^\s"\\]+',
        "ConstraintDescription": "it begins with https://",
    }


def _identified(groups: list[Parts]) -> Parts:
    """Return all parts by their logical ids. Raises `BadName`."""
    found: dict[str, Any] = {}
    for group in groups:
        for name, part in group.items():
            logical_id = cf.identity(name)
            if logical_id in found:
                raise BadName(f"two parts are called {logical_id} in the stack: rename {name}")
            found[logical_id] = part
            for what, text in part["Properties"].items():
                if what.endswith("Name") and isinstance(text, str) and len(text) > cf.LONGEST_NAME:
                    raise BadName(
                        f"{text!r} is longer than {cf.LONGEST_NAME} characters: shorten {name!r}"
                    )
    return found


def _table(name: str, prefix: str) -> Part:
    """Return a table: encrypted, backed up, kept if the stack goes, with a stream for its outbox.
    If the first deployment fails it goes too, so that the next one finds its name free."""
    table = cf.resource(
        "DynamoDB::Table",
        TableName=called(prefix, name),
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        SSESpecification={"SSEEnabled": True},
        StreamSpecification={"StreamViewType": "NEW_IMAGE"},
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    )
    return {**table, "DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}


def _secret(name: str, prefix: str) -> Part:
    """Return the token that a party outside asks for. It is made up, so that none stands in a
    template: put the real one in with `aws secretsmanager put-secret-value`. Nothing in here
    depends on a parameter: what changes is made up anew."""
    return cf.resource(
        "SecretsManager::Secret",
        Name=called(prefix, name),
        GenerateSecretString={"ExcludePunctuation": True},
    )


STAGE = "live"


def entrance(function: str, prefix: str) -> Parts:
    """Return a REST API that hands `POST` at the payments' path to this function."""
    resources: Parts = {}
    above: Part = cf.attribute("Api", "RootResourceId")
    path = "Api"
    for segment in PATH.strip("/").split("/"):
        path += f" {segment}"
        resources[path] = cf.resource(
            "ApiGateway::Resource", RestApiId=cf.ref("Api"), ParentId=above, PathPart=segment
        )
        above = cf.ref(path)
    text = Path(__file__).with_name("entrance.json").read_text(encoding="utf-8")
    for name, value in {
        "PREFIX": prefix, "FUNCTION": cf.identity(function), "PATH": PATH, "STAGE": STAGE,
        "RESOURCE": cf.identity(path),
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
                **cf.resource("ApiGateway::Deployment", RestApiId=cf.ref("Api")),
                "DependsOn": cf.identity("Api Post"),
            }
            part["Properties"]["DeploymentId"] = cf.ref(deployment)
        parts[name] = part
    return parts


def addresses() -> Parts:
    """Return what a caller needs to know of it, as outputs of the stack."""
    url = f"https://${{Api}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}/{STAGE}{PATH}"
    return {
        "PaymentsUrl": {"Description": "Where to POST a payment", "Value": cf.substituted(url)},
        "UsersPool": {"Description": "Who may pay: its users", "Value": cf.ref("Users")},
        "UsersPoolClient": {"Description": "By it they sign in", "Value": cf.ref("Users Client")},
    }
