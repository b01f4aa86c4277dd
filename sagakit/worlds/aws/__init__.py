"""The AWS world: the services as Lambda functions on EventBridge, SQS, DynamoDB and SNS.

Needs the extra `aws`. Of sagakit the emulator imports it, and the command that prints the template.

A reader's way through it has two halves. What runs: `lambdas` is what Lambda loads; `functions`
tells what woke it; `handling` performs what the service awaits, by `tables`, `provider` and
`publishing`; all of them reach AWS by `resources`. What is deployed: `template` puts together what
`messaging`, `compute`, `entrance` and `alarms` say in the words of `parts`. Both call things as
`names` says.
"""
