"""The AWS world: the services as Lambda functions on EventBridge, SQS, DynamoDB and SNS.

Needs the extra `aws`. Nothing else of sagakit imports it.
"""
