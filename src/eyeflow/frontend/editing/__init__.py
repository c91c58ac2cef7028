"""Changes to an automation that is there: "make it 10am instead", "also email it to ...", "remove the message".

Knows: how people say what is to be different. In: a checked Task, the words of a change, `CompileContext`, answers.
Out: `Edited`: the changed Task (unchecked), or what must be asked, or why not. Never: compiles, changes what the words
do not name, takes words it does not understand for none.

    edit.py       the words, piece by piece
    pieces.py     what the pieces share: places in a task, `Edited`
    times.py      when it starts
    values.py     what is passed: "change the channel to #ops", "Rome instead of Paris"
    adding.py     further actions, which may speak of what is there
    removing.py   actions that go
    narrowing.py  fewer events: "only over $500"
"""

from eyeflow.frontend.editing.edit import edit
from eyeflow.frontend.editing.pieces import Edited

__all__ = ["Edited", "edit"]
