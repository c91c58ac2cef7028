"""The command line: `eyeflow COMMAND`. Each command is one module, loaded when it is called."""

from eyeflow.cli.start import main

__all__ = ["main"]
