"""`make demo`: a sentence becomes a running program, in front of your eyes.

__main__.py  the order of the scenes, exit codes     stage.py   titles, lines, tables
sentence.py  English, all the way to a message       listing.py LLM-IR text: the overview's own programs
"""
