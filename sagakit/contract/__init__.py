"""Share among all layers: events, ports, operations, deployments as data, words for mistakes."""
