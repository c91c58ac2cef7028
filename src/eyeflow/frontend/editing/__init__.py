"""Changes to an automation that is there: "make it 10am instead", "also email it to ...", "remove the message".

Knows: how people say what is to be different. In: a checked Task, the words of a change, `CompileContext`, answers.
Out: `Edited`: the changed Task (unchecked), or what must be asked, or why not. Never: compiles, changes what the words
do not name, takes words it does not understand for none.

    edit.py       the words, piece by piece
    pieces.py     what the pieces share: places in a task, `Edited`
    naming.py     which action is meant
    reach.py      what a further action may speak of, what is said now
    times.py      when it starts; shifting.py: more days, fewer, earlier, later
    values.py     what is passed: "change the channel to #ops", "Rome instead of Paris"
    limits.py     numbers of conditions and lists, pauses, the name
    tries.py      retries and rates
    adding.py     further actions; receivers.py: further receivers; mentions.py: more in a message
    services.py   another way of doing it
    removing.py   actions that go
    gating.py     approvals, conditions, the other side of a choice
    narrowing.py  fewer events, fewer items: "only over $500"
"""

from eyeflow.frontend.editing.edit import edit
from eyeflow.frontend.editing.pieces import Edited

__all__ = ["Edited", "edit"]
