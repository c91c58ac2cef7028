"""The systems EyeFlow is measured beside, each written by hand to do the same two tasks."""
