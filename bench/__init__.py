"""Benchmarks: small, honest, each beside a floor measured in the same run where there is one."""
