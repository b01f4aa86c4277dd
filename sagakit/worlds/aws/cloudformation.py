"""The words of a template: what its parts are called, how they point to each other; its alarms."""

import re
from typing import Any

LONGEST_NAME = 64  # characters, of the name of a function or a rule (Lambda, EventBridge)
PREFIX = re.compile(r"[a-z][a-z0-9-]{0,19}")


class BadName(ValueError):
    """A name that AWS refuses: the text says which, and what to do."""


def slug(name: str) -> str:
    """Return a participant's name in small letters and dashes: "Wallet DB" is "wallet-db"."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def called(prefix: str, name: str) -> str:
    """Return the name of a participant's resource, in the stack with that prefix."""
    return f"{prefix}-{slug(name)}"


Part = dict[str, Any]
Parts = dict[str, Part]


def identity(name: str) -> str:
    """Return the logical id of a part: "Wallet SQS" is "WalletSQS"."""
    return "".join(word[0].upper() + word[1:] for word in re.findall(r"[A-Za-z0-9]+", name))


def ref(name: str) -> Part:
    return {"Ref": identity(name)}


def attribute(name: str, which: str) -> Part:
    return {"Fn::GetAtt": [identity(name), which]}


def arn(name: str) -> Part:
    return attribute(name, "Arn")


def substituted(text: str) -> Part:
    return {"Fn::Sub": text}


def url_of(party: str) -> str:
    """Return the parameter that says where a party outside is reached."""
    return f"{identity(party)}Url"


def resource(kind: str, **properties: Any) -> Part:
    return {"Type": f"AWS::{kind}", "Properties": properties}


def allow(actions: list[str], resources: list[Any], **more: Any) -> Part:
    """Return a statement of a policy: these actions on these resources, and nothing else."""
    return {"Effect": "Allow", **more, "Action": actions, "Resource": resources}


def document(*statements: Part) -> Part:
    return {"Version": "2012-10-17", "Statement": list(statements)}


ALARMS = "Alarms"
LATE = 60_000  # ms: an outbox is published within a second or so, and a stream forgets after a day


def alarms_topic(prefix: str) -> Parts:
    """Return the topic to which the alarms go: whoever is to hear of them subscribes."""
    return {ALARMS: resource("SNS::Topic", TopicName=called(prefix, ALARMS))}


def dead_letters_alarm(queue: str, prefix: str) -> Parts:
    """Return an alarm for a dead-letter queue: one letter is one too many."""
    return _alarm(
        f"{queue} Alarm", prefix, f"{queue} holds a message that could not be handled",
        "AWS/SQS", "ApproximateNumberOfMessagesVisible",
        {"Name": "QueueName", "Value": attribute(queue, "QueueName")}, 0,
    )  # fmt: skip


def outbox_alarm(function: str, prefix: str) -> Parts:
    """Return an alarm for a relay that lags: events were committed that nobody has heard of
    (Lambda: `IteratorAge`)."""
    return _alarm(
        f"{function} Outbox Alarm", prefix,
        f"What {function} committed has not been published for a minute: its outbox lags",
        "AWS/Lambda", "IteratorAge", {"Name": "FunctionName", "Value": ref(function)}, LATE,
    )  # fmt: skip


def _alarm(
    name: str, prefix: str, description: str, namespace: str, metric: str,
    of: dict[str, Any], most: int,
) -> Parts:  # fmt: skip
    """Return an alarm that rings within a minute in which the metric was greater than `most`."""
    part: Part = resource(
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
