"""What two programs do differently: triggers, effects, data, conditions, order, policies; never lines.

Knows: which spellings of a checked Task mean the same. In: two Tasks from the checker. Out: `Difference`.
Never: compiles, compares text, runs anything, says that nothing changed when something might have.

The same to this room: comments, layout and descriptions; the order of actions that do not wait for one another; other
names for actions, outputs and items; a call by URL and by capability; `a > b` and `b < a`, the order within AND and
OR; `$5` where cents are counted and 500; a default written out and left out. What is the same only after thinking
(`x + x` and `2 * x`) is told as a change: better one sentence too many than an effect too few.

    canonical.py   expressions, spelled so that equal meaning is equal text
    facets.py      what can be said of a trigger and of an action, one by one
    compare.py     which action became which, and the sentences
"""

from eyeflow.ir.diff.compare import Change, Difference, diff
from eyeflow.ir.diff.facets import Area

__all__ = ["Area", "Change", "Difference", "diff"]
