"""Workloads over HTTP.

system.py      what is measured: how it starts and ends      load.py        wrk, and how its report reads
ours.py        EyeFlow as such a system                      client.py      loads that wrk cannot make
systems.py     its peers (peers/)                            stub.py        the services that tasks call
__main__.py    W1, W2 on all of them                         webhook.py     W4
crowd.py       W6                                            history.py     W10 (filling.py)
breakdown.py   where time goes (staged.py)                   overhead.py    at half load (commits.py)
"""
