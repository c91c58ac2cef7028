"""Who is told what of tasks: failed, recovered, did not run, uncertain, waiting for approval.

    texts.py        what a notice says, in plain English
    raising.py      what happened becomes a row: from events, ticks, questions, schedules that stand still
    incidents.py    rows become notices: one for each incident and receiver, the rest in a digest
    delivering.py   notices reach people through their own accounts, again after a while when they did not
    keeper.py       the job that does this in rounds, in one process

A notice is no run and makes no event, so a notice that fails makes no notice.
"""
