"""`eyeflow catalog`: the services that programs may use.

Knows: the commands' options. In: folders, names, words. Out: tables and findings. Never: changes a catalog.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from eyeflow.cli.context import CatalogOption, JsonOption, WithOption, load_services
from eyeflow.cli.output import Screen
from eyeflow.cli.reading import stop
from eyeflow.cli.start import Exit
from eyeflow.diagnostics import Severity
from eyeflow.values import Field, spell

if TYPE_CHECKING:
    from eyeflow.catalog.index import Hit
    from eyeflow.catalog.model import Capability, Catalog, Service, TriggerKind

app = typer.Typer(
    name="catalog", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]}, help="Look into the services that programs may use.",
)  # fmt: skip


@app.command("list")
def list_services(catalog: CatalogOption = None, extra: WithOption = None, as_json: JsonOption = False) -> None:
    """List the services.

    \b
    Examples:
      eyeflow catalog list
      eyeflow catalog list --with my-services --json
    """
    screen = Screen(as_json=as_json)
    services = load_services(screen, catalog, extra).services
    if as_json:
        screen.json([
            {
                "service": each.id, "title": each.title, "type": each.type, "connector": each.connector,
                "capabilities": [c.name for c in each.capabilities], "triggers": [t.name for t in each.triggers],
            }
            for each in services
        ])  # fmt: skip
        return
    columns = ("service", "title", "type", "can do", "triggers")
    screen.table(columns, [
        (each.id, each.title, each.type, str(len(each.capabilities)), str(len(each.triggers))) for each in services
    ])  # fmt: skip


@app.command("show")
def show(
    service: Annotated[str, typer.Argument(metavar="SERVICE", help="Its id, title or alias.")],
    catalog: CatalogOption = None,
    extra: WithOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a service can do: capabilities, parameters, effects, triggers, accounts, limits.

    \b
    Examples:
      eyeflow catalog show slack
      eyeflow catalog show slack_notify --json
    """
    from eyeflow.catalog.registry import ServiceRegistry

    screen = Screen(as_json=as_json)
    registry = ServiceRegistry(load_services(screen, catalog, extra))
    found, report = registry.find(service)
    if found is None:
        first = report.diagnostics[0]
        stop(screen, first.message, hint=first.hint, code=Exit.FAILED)
    if as_json:
        screen.json(found)
    else:
        _show(screen, found)


def _show(screen: Screen, service: Service) -> None:
    screen.line(f"{service.title} ({service.id}): {service.type}, connector {service.connector}", "bold")
    if service.aliases:
        screen.line(f"  also called {', '.join(service.aliases)}")
    if service.hosts:
        screen.line(f"  reaches {', '.join(service.hosts)}")
    limits = service.constraints
    if limits.rate_calls is not None and limits.rate_window_ms is not None:
        screen.line(f"  at most {limits.rate_calls} calls in {limits.rate_window_ms / 1000:g} s")
    if limits.max_text_chars is not None:
        screen.line(f"  texts of at most {limits.max_text_chars:,} characters")
    for way in service.auth:
        scopes = f" ({', '.join(way.scopes)})" if way.scopes else ""
        screen.line(f"  account: {way.type}{scopes}")
        for step in way.setup:
            screen.line(f"    {step.say}" + (f": {step.url}" if step.url else ""))
    screen.section("Can do:", (line for each in service.capabilities for line in _capability(each)))
    screen.section("Triggers:", (line for each in service.triggers for line in _trigger(each)))


def _capability(each: Capability) -> list[str]:
    again = ", may be repeated" if each.idempotent or each.idempotency_header else ""
    head = f"{each.name}({', '.join(map(_param, each.params))}) -> {_shape(spell(each.returns))}"
    return [head, f"    {each.summary} [{each.effect}{again}]", *(f'    "{example}"' for example in each.examples[:2])]


def _trigger(each: TriggerKind) -> list[str]:
    head = f"{each.name}({', '.join(map(_param, each.params))}) -> {_shape(spell(each.payload))}"
    return [head, f"    {each.summary}"]


def _param(field: Field) -> str:
    return f"{field.name}{'' if field.required else '?'}: {_shape(spell(field.type))}"


def _shape(text: str) -> str:
    return text if len(text) <= 200 else text[:199] + "…"


@app.command("search")
def search(
    words: Annotated[list[str], typer.Argument(metavar="WORDS", help="What to look for, in plain words.")],
    limit: Annotated[int, typer.Option("--limit", min=1, max=100, help="How many to show.")] = 10,
    catalog: CatalogOption = None,
    extra: WithOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find capabilities and triggers by what they do.

    \b
    Examples:
      eyeflow catalog search post a message
      eyeflow catalog search "new invoice" --json
    """
    from eyeflow.catalog.index import build_index

    screen = Screen(as_json=as_json)
    known = load_services(screen, catalog, extra)
    hits = build_index(known).search(" ".join(words)[:1000], limit)
    if as_json:
        screen.json([
            {"id": hit.id, "kind": hit.kind, "summary": _summary(known, hit), "score": round(hit.score, 3)}
            for hit in hits
        ])  # fmt: skip
    elif hits:
        screen.table(("what", "kind", "summary"), [(hit.id, hit.kind, _summary(known, hit)) for hit in hits])
    else:
        screen.note("nothing in the catalog is like that")
    raise typer.Exit(Exit.OK if hits else Exit.FAILED)


def _summary(catalog: Catalog, hit: Hit) -> str:
    service = catalog.service(hit.service)
    found = None if service is None else service.capability(hit.name) or service.trigger(hit.name)
    return "" if found is None else found.summary


@app.command("lint")
def lint_catalog(
    folder: Annotated[Path | None, typer.Argument(metavar="DIR", help="A folder of services.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what is wrong, unclear or unsafe in a catalog; exit 1 for errors, 5 for warnings, 0 for mere notes.

    \b
    Examples:
      eyeflow catalog lint
      eyeflow catalog lint my-services
    """
    from eyeflow.catalog.lint import lint
    from eyeflow.catalog.load import load_catalog

    screen = Screen(as_json=as_json)
    catalog, report = load_catalog(folder)
    if catalog is not None:
        report = report + lint(catalog)
    if as_json:
        screen.json(report)
    screen.findings(report)
    if catalog is not None and not report.diagnostics and not as_json:
        screen.line(f"{len(catalog.services)} services, nothing found")
    if not report.ok:
        raise typer.Exit(Exit.FAILED)
    raise typer.Exit(Exit.CHANGES if report.of(Severity.WARNING) else Exit.OK)


@app.command("validate")
def validate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="One service, YAML or JSON.")],
    as_json: JsonOption = False,
) -> None:
    """Check one service file against the format.

    \b
    Examples:
      eyeflow catalog validate my-services/crm.yaml
    """
    from eyeflow.catalog.load import load_service

    screen = Screen(as_json=as_json)
    service, report = load_service(file)
    if as_json:
        screen.json({"service": None if service is None else service.id, "diagnostics": report.diagnostics})
    screen.findings(report)
    if service is not None and not as_json:
        offers = f"{len(service.capabilities)} capabilities, {len(service.triggers)} triggers"
        screen.line(f"{file}: {service.id}, {offers}, {service.digest}")
    raise typer.Exit(Exit.OK if report.ok else Exit.FAILED)
