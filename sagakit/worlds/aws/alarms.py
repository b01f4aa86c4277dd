"""The template's alarms: what somebody has to look at. All go to one topic."""

from typing import Any

from sagakit.worlds.aws.names import called
from sagakit.worlds.aws.parts import Resource, Resources, attribute, ref, resource

ALARMS = "Alarms"
LATE = 60_000  # ms: an outbox is published within a second or so, and a stream forgets after a day


def topic(prefix: str) -> Resources:
    """Where the alarms go: whoever is to hear of them subscribes."""
    return {ALARMS: resource("SNS::Topic", TopicName=called(prefix, ALARMS))}


def of_dead_letters(queue: str, prefix: str) -> Resources:
    """One dead letter is one too many."""
    return _alarm(
        f"{queue} Alarm", prefix, f"{queue} holds a message that could not be handled",
        "AWS/SQS", "ApproximateNumberOfMessagesVisible",
        {"Name": "QueueName", "Value": attribute(queue, "QueueName")}, 0,
    )  # fmt: skip


def of_outbox(function: str, prefix: str) -> Resources:
    """The relay lags: events were committed that nobody has heard of (Lambda: `IteratorAge`)."""
    return _alarm(
        f"{function} Outbox Alarm", prefix,
        f"What {function} committed has not been published for a minute: its outbox lags",
        "AWS/Lambda", "IteratorAge", {"Name": "FunctionName", "Value": ref(function)}, LATE,
    )  # fmt: skip


def _alarm(
    name: str, prefix: str, description: str, namespace: str, metric: str,
    of: dict[str, Any], most: int,
) -> Resources:  # fmt: skip
    """Rings within a minute in which the metric was greater than `most`."""
    part: Resource = resource(
        "CloudWatch::Alarm",
        AlarmName=called(prefix, name),
        AlarmDescription=description,
        Namespace=namespace,
        MetricName=metric,
        Dimensions=[of],
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=most,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=[ref(ALARMS)],
    )
    return {name: part}
