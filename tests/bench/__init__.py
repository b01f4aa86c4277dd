"""Benchmarks: ratios measured in one process, so that they hold on any machine."""
