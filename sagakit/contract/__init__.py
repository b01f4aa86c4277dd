"""What all share: events, ports, operations, deployments as data, and words for mistakes."""
