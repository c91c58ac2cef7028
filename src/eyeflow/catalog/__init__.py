"""Layer 1: the capability catalog, the closed world of everything a program may call."""
