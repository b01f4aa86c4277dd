"""The AWS world: the services as Lambda functions on EventBridge, SQS, DynamoDB and SNS.

Needs the extra `aws`. Of sagakit the emulator imports it, and the command that prints the template.

It has two halves. What runs: `lambdas` is what Lambda loads; `functions` tells what woke it;
`handling` performs what the service awaits, with `tables` for its stores; all of them reach AWS by
`resources`. What is deployed: `template` puts together queues, topics, tables and the API with what
`compute` says, in the words of `cloudformation`.
"""
