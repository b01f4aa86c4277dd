"""What of a template the emulator gets otherwise than AWS: little, and all of it is stated."""

from typing import Any

import pytest

from sagakit.payments.topology import payment_system
from sagakit.worlds.aws.cloudformation import Part
from sagakit.worlds.aws.template import template
from sagakit.worlds.emulator.deploy import (
    BY_HAND,
    LEFT_OUT,
    MAPPING,
    POLICIES,
    for_the_emulator,
)

CONTENT = template(payment_system())
CHANGED = for_the_emulator(CONTENT)


def differences(before: Any, after: Any, path: str) -> set[str]:
    """Where two parts differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        names = sorted({*before, *after})
        found = [differences(before.get(k), after.get(k), f"{path}.{k}") for k in names]
        return set().union(*found)
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        found = [differences(a, b, path) for a, b in zip(before, after, strict=True)]
        return set().union(*found)
    return set() if before == after else {path}


def test_only_these_properties_differ() -> None:
    parts: dict[str, Part] = CHANGED.content["Resources"]
    both = CONTENT["Resources"].keys() & parts.keys()
    found = [
        differences(CONTENT["Resources"][one]["Properties"], parts[one]["Properties"],
                    parts[one]["Type"].removeprefix("AWS::"))
        for one in sorted(both)
    ]  # fmt: skip
    assert set().union(*found) == {
        "Lambda::EventSourceMapping.Enabled",
        "Events::Rule.Targets.Arn.Ref",  # to the topic
        "Events::Rule.Targets.Arn.Fn::GetAtt",  # to the queue before it
        "ApiGateway::Method.AuthorizationType",
        "ApiGateway::Method.AuthorizerId",
        "IAM::Role.Policies.PolicyDocument.Statement.Resource.Ref",  # to the secret
        "IAM::Role.Policies.PolicyDocument.Statement.Resource.Fn::Sub",
    }


def test_what_is_not_in_it_is_of_a_kind_that_is_named() -> None:
    gone = CONTENT["Resources"].keys() - CHANGED.content["Resources"].keys()
    kinds = {CONTENT["Resources"][name]["Type"] for name in gone}
    assert kinds == {*LEFT_OUT, *POLICIES, *BY_HAND, MAPPING}
    added = CHANGED.content["Resources"].keys() - CONTENT["Resources"].keys()
    assert added == {"BeforeSNSTopic"}


def test_nothing_that_starts_docker_is_deployed() -> None:
    mappings = [one for one in CHANGED.content["Resources"].values() if one["Type"] == MAPPING]
    assert mappings
    for one in mappings:
        assert one["Properties"]["Enabled"] is False
        assert "StartingPosition" not in one["Properties"]  # no stream


def test_the_template_itself_stays_as_it_is() -> None:
    assert template(payment_system()) == CONTENT


@pytest.mark.parametrize("policy", ["WalletSQSPolicy", "SNSTopicToEmailLambdaPolicy"])
def test_what_no_policy_lets_through_is_not_deployed(policy: str) -> None:
    content = template(payment_system())
    del content["Resources"][policy]
    changed = for_the_emulator(content)
    targets = [one["Properties"]["Targets"] for one in changed.content["Resources"].values()
               if one["Type"] == "AWS::Events::Rule"]  # fmt: skip
    subscriptions = [one for one in changed.afterwards.values()
                     if one["Type"] == "AWS::SNS::Subscription"]  # fmt: skip
    if policy == "WalletSQSPolicy":
        assert sorted(map(len, targets)) == [0, 0, 1, 1, 1, 1, 1, 1, 1]
        assert len(subscriptions) == 3
    else:
        assert sorted(map(len, targets)) == [1] * 9
        assert len(subscriptions) == 2
