"""Measurements: `make bench` prints a table and writes `bench/results.json`. Nothing here is asserted in tests.

measure.py   timing, percentiles     machine.py   W5, one process, no I/O     compiling.py   W7, English to artifact
"""
