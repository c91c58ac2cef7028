"""Workloads over HTTP: EyeFlow and what people use instead, in one run on one machine."""
