"""The commands of `eyeflow`, mounted: a table, from which help is made without loading any command.

Knows: which commands there are and what each is for. In: arguments. Out: an exit code. Never: does a command's work,
imports a command that is not called.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import Any, Final

import typer
import typer.core
import typer.main

from eyeflow.cli.coercion import lighten

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "new": ("eyeflow.cli.new:new", "Walk from a sentence to a checked program, with prompts."),
    "compile": ("eyeflow.cli.compile:compile_command", "Turn a sentence or LLM-IR into a program, and seal it."),
    "intent": ("eyeflow.cli.intent:intent", "Show what a sentence means, as JSON."),
    "explain": ("eyeflow.cli.explain:explain", "Read a program back in English, with what it touches."),
    "check": ("eyeflow.cli.check:check", "Find what cannot be so: branches that never run, gaps, deadlines."),
    "simulate": ("eyeflow.cli.simulate:simulate", "Run with scripted answers and simulated time; nothing leaves."),
    "practice": ("eyeflow.cli.practice:practice", "Run over real HTTP against practice services on this machine."),
    "run": ("eyeflow.cli.run:run", "Run a program for real, through its accounts."),
    "fmt": ("eyeflow.cli.fmt:fmt", "Write LLM-IR text in its one canonical form."),
    "diff": ("eyeflow.cli.diff:diff", "Say what one program does differently from another, not which lines."),
    "edit": ("eyeflow.cli.edit:edit", "Change a program in plain English, and show what is different."),
    "disasm": ("eyeflow.cli.disasm:disasm", "List the program inside an artifact, instruction by instruction."),
    "up": ("eyeflow.cli.up:up", "Start the server here, with everything it needs."),
    "serve": ("eyeflow.cli.up:serve", "Start the server where everything has been made."),
    "worker": ("eyeflow.cli.up:worker", "Run what starts by itself, and answer nobody."),
    "migrate": ("eyeflow.cli.migrate:migrate", "Bring the database of a data folder up to date."),
    "apply": ("eyeflow.cli.folders:apply", "Make a server what a folder of sentences and programs says."),
    "export": ("eyeflow.cli.folders:export", "Write what runs on a server as such a folder."),
    "backup": ("eyeflow.cli.folders:backup", "Copy everything of a server but the master key."),
    "restore": ("eyeflow.cli.folders:restore", "Make a data folder of a backup."),
    "status": ("eyeflow.cli.login:status", "Say how a server is."),
    "login": ("eyeflow.cli.login:login", "Remember a server and a key."),
    "tasks": ("eyeflow.cli.tasks:app", "See, run and change what is deployed."),
    "executions": ("eyeflow.cli.executions:app", "See runs: list, look, watch, cancel, retry, replay."),
    "proposals": ("eyeflow.cli.proposals:app", "Programs that wait to be approved."),
    "approvals": ("eyeflow.cli.proposals:approvals", "Questions that runs wait on."),
    "connectors": ("eyeflow.cli.connectors:app", "See, add and test accounts of services."),
    "connections": ("eyeflow.cli.connectors:app", "The same as connectors."),
    "secrets": ("eyeflow.cli.secrets:app", "Credentials, encrypted; values go in and never come out."),
    "schedules": ("eyeflow.cli.starts:app", "When tasks start by the clock."),
    "webhooks": ("eyeflow.cli.starts:webhooks", "Where deliveries from outside go."),
    "notices": ("eyeflow.cli.notices:notices", "What people were told, or could not be told."),
    "profile": ("eyeflow.cli.login:profile", "Who you are, for sentences that say me."),
    "keys": ("eyeflow.cli.secrets:keys", "API keys of the server."),
    "audit": ("eyeflow.cli.audit:app", "Who did what; whether the record is whole."),
    "doctor": ("eyeflow.cli.doctor:doctor", "Look whether a server can start here and be reached."),
    "config": ("eyeflow.cli.config:app", "Settings of the server, and where each comes from."),
    "completion": ("eyeflow.cli.completion:completion", "Print the script that completes commands in a shell."),
    "catalog": ("eyeflow.cli.catalog:app", "Look into the services that programs may use."),
}

EPILOG: Final = (
    "Exit codes: 0 ok, 1 failed, 2 usage, 3 questions to answer, 4 refused, 5 changes found, 6 uncertain, 130 Ctrl-C."
)


class Commands(typer.core.TyperGroup):
    """The top group. A command's module is imported when the command is called; help lists summaries."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments, parsed. Raises: click's usage errors."""
        lighten(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, in the order of a day's work."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A light stand-in for help, completion and suggestions."""
        if cmd_name not in COMMANDS:
            return None
        return typer.core.TyperCommand(cmd_name, help=COMMANDS[cmd_name][1], rich_markup_mode=None)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that `args` begin with, loaded."""
        try:
            name, found, rest = super().resolve_command(ctx, args)
        except Exception as error:
            close = get_close_matches(args[0], COMMANDS, n=2) if args else []
            _hint(error, "No such command", f"Did you mean {' or '.join(close)}?" if close else "")
            raise
        return (name, _loaded(str(name)), rest) if found is not None else (name, found, rest)


class Command(typer.core.TyperCommand):
    """A command that knows what people forget: the quotes around a sentence."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments, parsed. Raises: click's usage errors, with a hint for a sentence without quotes."""
        lighten(self.get_params(ctx))
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            _hint(error, "unexpected extra argument", "Put a sentence in quotes.")
            raise


def _hint(error: Exception, about: str, hint: str) -> None:
    """Add a way out to a usage error about something. Its class is in click or inside typer, by typer's version."""
    message = getattr(error, "message", None)
    if hint and isinstance(message, str) and about in message:
        error.message = f"{message} {hint}"  # type: ignore[attr-defined]


def _loaded(name: str) -> Any:
    module, _, attribute = COMMANDS[name][0].partition(":")
    target = getattr(import_module(module), attribute)
    if isinstance(target, typer.Typer):
        group: Any = typer.main.get_command(target)
        for each in (group, *group.commands.values()):
            lighten(each.params)
        return group
    held = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    held.command(name, cls=Command, context_settings={"help_option_names": ["-h", "--help"]})(target)
    command = typer.main.get_command(held)
    command.name = name
    return command


app = typer.Typer(
    name="eyeflow", cls=Commands, no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False,
    rich_markup_mode=None, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip


def _version(wanted: bool) -> None:
    if wanted:
        from eyeflow.cli.start import version_line

        print(version_line())
        raise typer.Exit


@app.callback()
def _eyeflow(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of a bug; may stand anywhere."),
) -> None:
    """Turn a plain English request into a typed, checked, signed, deterministic program, and run it.

    \b
    Examples:
      eyeflow new "Send weather to Slack every morning at 9am"
      eyeflow explain "When an issue is opened on GitHub, post its title to #dev on Slack"
      eyeflow practice hello.eir --input name=Alice
    """
