"""The AWS world: the services as Lambda functions on EventBridge, SQS, DynamoDB and SNS.

Needs the extra `aws`. Of sagakit the emulator imports it, and the command that prints the template.
"""
