"""Countersign beside other systems: its driver for the workloads that they are measured by."""
