"""The template's way in: an API whose callers Cognito knows, behind a web application firewall."""

import json
from hashlib import blake2b
from typing import Any

from sagakit.payments.api import PATH
from sagakit.worlds.aws.parts import (
    Part,
    Parts,
    arn,
    attribute,
    called,
    identity,
    kept,
    ref,
    resource,
    substituted,
)

MOST_REQUESTS = 2_000  # of one address within 5 minutes
STAGE = "live"


def entrance(function: str, prefix: str) -> Parts:
    """A REST API that hands `POST` at the payments' path to this function."""
    parts = {
        "Users": kept(
            resource(
                "Cognito::UserPool",
                UserPoolName=called(prefix, "Users"),
                AdminCreateUserConfig={"AllowAdminCreateUserOnly": True},
            )
        ),
        "Users Client": resource(
            "Cognito::UserPoolClient",
            ClientName=called(prefix, "Users Client"),
            UserPoolId=ref("Users"),
            ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
            PreventUserExistenceErrors="ENABLED",
        ),
        "Api": resource(
            "ApiGateway::RestApi",
            Name=called(prefix, "Api"),
            EndpointConfiguration={"Types": ["REGIONAL"]},
        ),
        "Api Authorizer": resource(
            "ApiGateway::Authorizer",
            Name=called(prefix, "Api Authorizer"),
            RestApiId=ref("Api"),
            Type="COGNITO_USER_POOLS",
            IdentitySource="method.request.header.Authorization",
            ProviderARNs=[arn("Users")],
        ),
    }
    above: Part = attribute("Api", "RootResourceId")
    path = ""
    for segment in PATH.strip("/").split("/"):
        path += f" {segment}"
        parts[f"Api{path}"] = resource(
            "ApiGateway::Resource", RestApiId=ref("Api"), ParentId=above, PathPart=segment
        )
        above = ref(f"Api{path}")
    parts["Api Post"] = resource(
        "ApiGateway::Method",
        RestApiId=ref("Api"),
        ResourceId=above,
        HttpMethod="POST",
        AuthorizationType="COGNITO_USER_POOLS",
        AuthorizerId=ref("Api Authorizer"),
        Integration={
            "Type": "AWS_PROXY",
            "IntegrationHttpMethod": "POST",
            "Uri": substituted(
                "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31"
                f"/functions/${{{identity(function)}.Arn}}/invocations"
            ),
        },
    )
    deployed = f"Api Deployment {_digest(parts)}"
    parts[deployed] = {
        **resource("ApiGateway::Deployment", RestApiId=ref("Api")),
        "DependsOn": identity("Api Post"),
    }
    parts["Api Stage"] = resource(
        "ApiGateway::Stage",
        RestApiId=ref("Api"),
        DeploymentId=ref(deployed),
        StageName=STAGE,
    )
    parts["Api wakes it"] = resource(
        "Lambda::Permission",
        FunctionName=ref(function),
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=substituted(
            "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}"
            f"/{STAGE}/POST{PATH}"
        ),
    )
    return parts | _firewall(prefix)


def addresses() -> Parts:
    """What a caller needs to know of it, as outputs of the stack."""
    url = f"https://${{Api}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}/{STAGE}{PATH}"
    return {
        "PaymentsUrl": {"Description": "Where to POST a payment", "Value": substituted(url)},
        "UsersPool": {"Description": "Who may pay: its users", "Value": ref("Users")},
        "UsersPoolClient": {"Description": "By it they sign in", "Value": ref("Users Client")},
    }


def _digest(parts: Parts) -> str:
    """Of what is deployed. A stage stays with what was deployed until there is another deployment,
    and that is one with another logical id (SAM does so too)."""
    return blake2b(json.dumps(parts, sort_keys=True).encode(), digest_size=5).hexdigest()


def _firewall(prefix: str) -> Parts:
    """AWS's common rules, and a limit on how much one address may ask."""

    def rule(place: int, name: str, statement: Any, **action: Any) -> Part:
        return {
            "Name": name,
            "Priority": place,
            "Statement": statement,
            "VisibilityConfig": _seen(called(prefix, name)),
            **action,
        }

    common = {"ManagedRuleGroupStatement": {
        "VendorName": "AWS", "Name": "AWSManagedRulesCommonRuleSet",
    }}  # fmt: skip
    rate = {"RateBasedStatement": {"AggregateKeyType": "IP", "Limit": MOST_REQUESTS}}
    return {
        "Firewall": resource(
            "WAFv2::WebACL",
            Name=called(prefix, "Firewall"),
            Scope="REGIONAL",
            DefaultAction={"Allow": {}},
            VisibilityConfig=_seen(called(prefix, "Firewall")),
            Rules=[
                rule(0, "common", common, OverrideAction={"None": {}}),
                rule(1, "rate", rate, Action={"Block": {}}),
            ],
        ),
        "Firewall of the Api": resource(
            "WAFv2::WebACLAssociation",
            WebACLArn=arn("Firewall"),
            ResourceArn=substituted(
                "arn:${AWS::Partition}:apigateway:${AWS::Region}::/restapis/${Api}"
                "/stages/${ApiStage}"
            ),
        ),
    }


def _seen(metric: str) -> Part:
    return {
        "CloudWatchMetricsEnabled": True, "SampledRequestsEnabled": True, "MetricName": metric,
    }  # fmt: skip
