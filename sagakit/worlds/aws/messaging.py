"""The template's bus, rules, queues and topics, and an alarm on each dead-letter queue."""

from sagakit.contract.deployment import VISIBILITY_TIMES, Deployment, Queue, Rule, Topic
from sagakit.worlds.aws import alarms
from sagakit.worlds.aws.names import called
from sagakit.worlds.aws.parts import (
    Resource,
    Resources,
    allow,
    arn,
    attribute,
    document,
    ref,
    resource,
)

DAY = 24 * 60 * 60  # s
KEPT = 4 * DAY  # a message that nobody handles (SQS's default)
KEPT_DEAD = 14 * DAY  # the longest that SQS offers
ATTEMPTS = 185  # of EventBridge to deliver an event, within a day (its defaults)


def messaging(deployment: Deployment, prefix: str) -> Resources:
    """All that lies between the functions."""
    parts = {
        deployment.bus: resource("Events::EventBus", Name=called(prefix, deployment.bus)),
        **alarms.topic(prefix),
    }
    for one in deployment.queues:
        parts |= _queue(one.name, one.dead_letters, one.visibility // 1000, one.receives, prefix)
        parts |= _may_send("events", [one.name, one.dead_letters], _rules_to(one.name, deployment))
    for topic in deployment.topics:
        parts |= _topic(topic, deployment, prefix)
    for rule in deployment.rules:
        parts[rule_name(rule)] = _rule(rule, deployment, prefix)
    return parts


def rule_name(rule: Rule) -> str:
    return f"{rule.event.__name__} to {rule.target}"


def _rule(rule: Rule, deployment: Deployment, prefix: str) -> Resource:
    """A rule. If it renames, a transformer writes the new `detail-type` and passes `detail` on as
    it is: the ids of the new event are a hash of its cause's, which a transformer cannot compute,
    so that the function makes the event itself, from what it was.
    """
    topics = [topic.name for topic in deployment.topics]
    target = {
        "Id": "target",
        "Arn": ref(rule.target) if rule.target in topics else arn(rule.target),
        "RetryPolicy": {"MaximumRetryAttempts": ATTEMPTS, "MaximumEventAgeInSeconds": DAY},
        "DeadLetterConfig": {"Arn": arn(_dead_letters(rule.target, deployment))},
    }
    if rule.rename:
        target["InputTransformer"] = {
            "InputPathsMap": {"detail": "$.detail"},
            "InputTemplate": f'{{"detail-type": "{rule.rename.__name__}", "detail": <detail>}}',
        }
    return resource(
        "Events::Rule",
        Name=called(prefix, rule_name(rule)),
        EventBusName=attribute(deployment.bus, "Name"),
        EventPattern={"detail-type": [rule.event.__name__]},
        Targets=[target],
    )


def _queue(name: str, dead: str, visibility: int, receives: int, prefix: str) -> Resources:
    """A queue, its dead-letter queue, and the alarm on that. Times in s."""
    return {
        dead: resource(
            "SQS::Queue",
            QueueName=called(prefix, dead),
            MessageRetentionPeriod=KEPT_DEAD,
            SqsManagedSseEnabled=True,
        ),
        name: resource(
            "SQS::Queue",
            QueueName=called(prefix, name),
            VisibilityTimeout=visibility,
            MessageRetentionPeriod=KEPT,
            SqsManagedSseEnabled=True,
            RedrivePolicy={"deadLetterTargetArn": arn(dead), "maxReceiveCount": receives},
        ),
        **alarms.of_dead_letters(dead, prefix),
    }


def _topic(topic: Topic, deployment: Deployment, prefix: str) -> Resources:
    """A topic with a queue for each subscriber, and a queue for what never reached the topic."""
    dead = topic.dead_letters
    rules = _rules_to(topic.name, deployment)
    publishers = allow(
        ["sns:Publish"],
        [ref(topic.name)],
        Principal={"Service": "events.amazonaws.com"},
        Condition={"ArnEquals": {"aws:SourceArn": [arn(rule) for rule in rules]}},
    )
    parts = {
        topic.name: resource("SNS::Topic", TopicName=called(prefix, topic.name)),
        f"{topic.name} Policy": resource(
            "SNS::TopicPolicy", Topics=[ref(topic.name)], PolicyDocument=document(publishers)
        ),
        dead: resource(
            "SQS::Queue",
            QueueName=called(prefix, dead),
            MessageRetentionPeriod=KEPT_DEAD,
            SqsManagedSseEnabled=True,
        ),
        **alarms.of_dead_letters(dead, prefix),
        **_may_send("events", [dead], rules),
    }
    timeouts = {one.name: one.timeout for one in deployment.functions}
    for subscriber in topic.subscribers:
        queue = topic.subscription(subscriber)
        name = queue.name
        dead = f"{name} DLQ"
        visibility = -(-max(queue.visibility, VISIBILITY_TIMES * timeouts[subscriber]) // 1000)
        parts |= _queue(name, dead, visibility, queue.receives, prefix)
        parts |= _may_send("sns", [name, dead], [topic.name])
        parts[f"{name} Subscription"] = resource(
            "SNS::Subscription",
            TopicArn=ref(topic.name),
            Protocol="sqs",
            Endpoint=arn(name),
            RedrivePolicy={"deadLetterTargetArn": arn(dead)},
        )
    return parts


def _may_send(service: str, queues: list[str], senders: list[str]) -> Resources:
    """EventBridge or SNS may send to these queues, from those rules or that topic alone."""
    sources = [ref(one) if service == "sns" else arn(one) for one in senders]
    if not sources:
        return {}
    return {
        f"{queues[0]} Policy": resource(
            "SQS::QueuePolicy",
            Queues=[ref(queue) for queue in queues],
            PolicyDocument=document(
                allow(
                    ["sqs:SendMessage"],
                    [arn(queue) for queue in queues],
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
    return next(one.dead_letters for one in among if one.name == target)
