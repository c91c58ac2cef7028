"""Measurements: `python -m bench --help` lists them. Nothing here is asserted in tests.

measure.py     timing, percentiles            report.py      tables, files of figures
machine.py     W3, W5: one process, no I/O    compiling.py   W7: English to artifact
store.py       records on disk                schedules.py   W9: 100,000 schedules
web/           everything over HTTP, EyeFlow and its peers
"""
