"""`ServiceRegistry`: the read-only view of the catalog by name.

Knows: every name a service goes by, which services have a capability, what a request must look like.
In: a `Catalog` with connections and policy (once), then names and requests. Out: services, `ValidationResult`.
Never: changes after it was built; calls anything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType

import msgspec

from eyeflow.catalog.index import service_names
from eyeflow.catalog.model import Capability, Catalog, Connection, Param, Policy, Role, Service
from eyeflow.catalog.policies import role_allowed
from eyeflow.catalog.words import normalise
from eyeflow.conform import checker
from eyeflow.diagnostics import EMPTY, Diagnostic, Place, Report, nearest, report
from eyeflow.errors import CatalogError
from eyeflow.values import Value


class ServiceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A call somebody wants to make. `service` may be an id, title, alias or connection name; `params` are values in
    their JSON spelling; the connection's and service's defaults stand in for what is missing."""

    service: str
    capability: str
    params: Mapping[str, Value] = MappingProxyType({})
    role: Role = "owner"


class ValidationResult(msgspec.Struct, frozen=True):
    """`problems` is empty exactly when the request may be made; `path` of each place names the parameter."""

    problems: tuple[Diagnostic, ...] = ()

    @property
    def ok(self) -> bool:
        """True when the request may be made."""
        return not self.problems


class ServiceRegistry:
    """Lookup by name, listing by capability, validation of requests; frozen."""

    __slots__ = ("_by_capability", "_by_id", "_by_name", "_connections", "_policy", "catalog")

    catalog: Catalog
    _by_id: Mapping[str, Service]
    _by_name: Mapping[str, tuple[str, ...]]
    _by_capability: Mapping[str, tuple[str, ...]]
    _connections: Mapping[str, Connection]
    _policy: Policy

    def __init__(self, catalog: Catalog, connections: Iterable[Connection] = (), policy: Policy | None = None) -> None:
        names: defaultdict[str, list[str]] = defaultdict(list)
        capabilities: defaultdict[str, list[str]] = defaultdict(list)
        for service in catalog.services:
            for name in service_names(service):
                names[name].append(service.id)
            for each in service.capabilities:
                capabilities[normalise(each.name)].append(service.id)
        put = object.__setattr__
        put(self, "catalog", catalog)
        put(self, "_by_id", MappingProxyType({service.id: service for service in catalog.services}))
        put(self, "_by_name", _frozen(names))
        put(self, "_by_capability", _frozen(capabilities))
        put(self, "_connections", MappingProxyType({each.name: each for each in connections}))
        put(self, "_policy", policy or Policy())

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("the registry is frozen")

    def __delattr__(self, name: str) -> None:
        raise AttributeError("the registry is frozen")

    def lookup(self, service_id: str) -> Service:
        """The service with this id, connection name, title or alias.

        Raises:
            CatalogError: `unknown_service` with the nearest names, or `ambiguous_service` with those it may mean.
        """
        service, found = self.find(service_id)
        if service is None:
            first = found.diagnostics[0]
            raise CatalogError(first.code, first.message, found, hint=first.hint)
        return service

    def find(self, name: str) -> tuple[Service | None, Report]:
        """`lookup` as a stage: the service, or what is wrong with the name."""
        connection = self._connections.get(name)
        exact = self._by_id.get(connection.service if connection is not None else name)
        if exact is not None:
            return exact, EMPTY
        wanted = normalise(name)
        meant = self._by_name.get(wanted, ())
        own = [each for each in meant if normalise(each) == wanted]
        if len(meant) == 1 or len(own) == 1:
            return self._by_id[(own or meant)[0]], EMPTY
        if meant:
            message = f"`{name[:80]}` may mean {', '.join(meant)}"
            return None, report([Diagnostic("ambiguous_service", message, hint="use the id")])
        return None, report([self._unknown(name)])

    def list_by_capability(self, capability: str) -> tuple[Service, ...]:
        """Every service that has a capability of this name (`send_message`), sorted by id."""
        return tuple(self._by_id[each] for each in self._by_capability.get(normalise(capability), ()))

    def validate(self, request: ServiceRequest) -> ValidationResult:
        """Everything that keeps a request from being made: names, parameters, types, limits, role."""
        service, found = self.find(request.service)
        if service is None:
            return ValidationResult(found.diagnostics)
        capability = service.capability(request.capability)
        if capability is None:
            return ValidationResult((_unknown_capability(service, request.capability),))
        problems = list(self._parameter_problems(service, capability, request))
        decision = role_allowed(request.role, self._policy, service, capability.name)
        if not decision.allowed:
            problems.append(Diagnostic("role_not_allowed", decision.why, hint="ask an owner of the workspace"))
        return ValidationResult(tuple(problems))

    def _parameter_problems(
        self, service: Service, capability: Capability, request: ServiceRequest
    ) -> Iterable[Diagnostic]:
        known = {param.name: param for param in capability.params}
        for name in request.params:
            if name not in known:
                yield _unknown_param(capability, name, known)
        connection = self._connections.get(request.service)
        filled = {name for name, _ in (*service.defaults, *(connection.defaults if connection else ()))}
        for param in capability.params:
            if param.name in request.params:
                problem = _value_problem(param, request.params[param.name])
                if problem is not None:
                    yield problem
            elif param.required and param.default is None and not filled & {
                param.name, f"{capability.name}.{param.name}",
            }:  # fmt: skip
                message = f"{capability.name} needs `{param.name}`"
                hint = param.description or f"give `{param.name}`"
                yield Diagnostic("missing_param", message, place=Place(path=param.name), hint=hint)

    def _unknown(self, name: str) -> Diagnostic:
        spoken = {normalise(each): each for each in (*self._by_id, *self._connections)}
        close = nearest(normalise(name), [*spoken, *self._by_name])
        meant = list(dict.fromkeys(spoken.get(each) or self._by_name[each][0] for each in close))
        hint = f"did you mean {' or '.join(f'`{each}`' for each in meant)}?" if meant else "see the catalog"
        return Diagnostic("unknown_service", f"no service is called `{name[:80]}`", hint=hint)


def _frozen(names: Mapping[str, list[str]]) -> Mapping[str, tuple[str, ...]]:
    return MappingProxyType({name: tuple(sorted(dict.fromkeys(found))) for name, found in names.items()})


def _unknown_capability(service: Service, name: str) -> Diagnostic:
    known = [capability.name for capability in service.capabilities]
    close = nearest(name, known)
    hint = f"did you mean {' or '.join(f'`{each}`' for each in close)}?" if close else f"it has {', '.join(known[:12])}"
    return Diagnostic("unknown_capability", f"{service.id} has no capability `{name[:80]}`", hint=hint)


def _unknown_param(capability: Capability, name: str, known: Mapping[str, Param]) -> Diagnostic:
    close = nearest(name, known, limit=1)
    hint = f"did you mean `{close[0]}`?" if close else f"it takes {', '.join(known) or 'none'}"
    message = f"{capability.name} has no parameter `{name[:80]}`"
    return Diagnostic("unknown_param", message, place=Place(path=name[:200]), hint=hint)


def _value_problem(param: Param, value: Value) -> Diagnostic | None:
    if value is None and not param.required:
        return None
    problem = checker(param, wire=True)(value)
    if problem is None:
        return None
    path = problem.under(param.name).path
    return Diagnostic(problem.code, f"`{path[:200]}` {problem.message}", place=Place(path=path[:200]))
