"""Stage 5 and 6 over the tree of a sentence: nodes become actions, and what cannot be decided is asked or refused.

Knows: nesting (branches, loops, fallbacks), what is in reach where, when two readings are too close to choose.
In: nodes and a scope. Out: a scope with actions, questions, refusals. Never: a guess that nobody would see.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from eyeflow.frontend import (
    actions,
    branches,
    filters,
    finding,
    loops,
    nouns,
    pauses,
    plurals,
    receivers,
    rescues,
    unable,
    unset,
    wording,
    working_out,
)
from eyeflow.frontend.actions import Chosen
from eyeflow.frontend.clauses import Clause
from eyeflow.frontend.data import words as data_words
from eyeflow.frontend.fetching import result_words
from eyeflow.frontend.intent import Action, Fallback, ForEach
from eyeflow.frontend.items import Item
from eyeflow.frontend.policies import Policies
from eyeflow.frontend.rewording import FOR_ALL
from eyeflow.frontend.scope import Scope, Source
from eyeflow.frontend.tree import Do, If, Loop, Node
from eyeflow.frontend.vocabulary import Entry
from eyeflow.values import ObjectOf, Span, non_null

LEAST = 0.3
"""A reading with a lower score is no reading."""


def build(nodes: Sequence[Node], scope: Scope, policies: Policies) -> Scope:
    """All `nodes` at one level."""
    state = branches.Built(scope)
    gates = pauses.Gates()
    nodes, opened = _opening(_governing_all(nodes, scope), scope)
    for node in _of_the_same(nodes):
        before = state.scope.actions
        state = _node(node, state, policies)
        clause = node.clause if isinstance(node, Do) else None
        state = msgspec.structs.replace(state, scope=gates.through(before, clause, state.scope))
    done = state.scope
    for clause, services in opened:
        if any(a.service in services for a in done.did):
            done = done.explain({i.index for i in clause.items})
        else:
            done = unable.no_capability(clause, done)
    return done


def _opening(nodes: Sequence[Node], scope: Scope) -> tuple[list[Node], list[tuple[Clause, tuple[str, ...]]]]:
    """`open Gmail and send X`: the nodes without what only opens what is used after, and what does."""
    kept: list[Node] = []
    opened: list[tuple[Clause, tuple[str, ...]]] = []
    for at, node in enumerate(nodes):
        services = unable.opens(node.clause.items, scope) if isinstance(node, Do) and nodes[at + 1 :] else ()
        if services and isinstance(node, Do) and not node.rescue:
            opened.append((node.clause, services))
        else:
            kept.append(node)
    return kept, opened


def _governing_all(nodes: Sequence[Node], scope: Scope) -> list[Node]:
    """Where a person has said that a condition at the end holds for all actions before it, it takes them in."""
    out: list[Node] = []
    for node in nodes:
        if isinstance(node, If) and node.unclear and scope.told_at(branches.said_at(node.arms[0].clause)) == FOR_ALL:
            held: list[Node] = []
            while out and isinstance(out[-1], Do):
                held.insert(0, out.pop())
            arm = msgspec.structs.replace(node.arms[0], body=(*held, *node.arms[0].body))
            node = msgspec.structs.replace(node, arms=(arm, *node.arms[1:]))  # noqa: PLW2901 - the same one, wider
        out.append(node)
    return out


def _of_the_same(nodes: Sequence[Node]) -> list[Node]:
    """After `... each X ...`, what is said of `it` is said of each as well."""
    out: list[Node] = []
    for node in nodes:
        last = out[-1] if out else None
        if isinstance(node, Do) and isinstance(last, Do) and _singles_out(last) and _says_it(node):
            excluded = (*last.excluded, *node.excluded)
            own = msgspec.structs.replace(node, excluded=())
            out[-1] = msgspec.structs.replace(last, also=(*last.also, own), excluded=excluded)
        else:
            out.append(node)
    return out


def _singles_out(node: Do) -> bool:
    return any(k and i.lower in ("each", "every") for k, i in enumerate(node.clause.items))


def _says_it(node: Do) -> bool:
    said = [i.lower for i in node.clause.items]
    return any(w in ("it", "its", "it's") for w in said) and node.clause.joined in ("and", ",", "then", "")


def _node(node: Node, state: branches.Built, policies: Policies) -> branches.Built:
    if isinstance(node, Do):
        return msgspec.structs.replace(state, scope=_do(node, state.scope, policies))
    if isinstance(node, If):
        return branches.branch(node, state, policies, build)
    return msgspec.structs.replace(state, scope=_loop(node, state.scope, policies))


# --- one action ----------------------------------------------------------------------------------------------------


def _do(node: Do, scope: Scope, policies: Policies) -> Scope:
    """One action, and what is said of the same thing after it where that made no loop."""
    if not node.also:
        return _act(node, scope, policies)
    done = _act(node, scope, policies)
    if done.actions[len(scope.actions) :] and done.actions[-1].for_each is not None:
        return done
    return build(node.also, done, policies)


def _act(node: Do, scope: Scope, policies: Policies) -> Scope:
    """The action a clause tells, or what is asked or refused instead."""
    items = tuple(
        i
        for i in node.clause.items
        if i.kind != "time" or (i.time is not None and (i.time.kind == "delay" or i.time.waited_for))
    )
    meant = unable.whichever(items)
    scope, items = scope.explain({i.index for i in items} - {i.index for i in meant}), meant
    other = _no_single_action(node, items, scope, policies)
    if other is not None:
        return other
    readings = finding.read(items, scope) or actions.read(items, scope)
    found = [c for c in readings if c.score >= LEAST] or [c for c in readings[:1] if c.entry.capability_says and c.fits]
    if found and scope.told_at(node.clause.span) is None:
        found = list(unable.to_me(found, items, scope))
    best = _pick(found, items, scope, node.clause.span) if found else None
    unclear = _unclear(found, best, node, items, scope)
    if unclear is not None:
        return unclear
    assert best is not None, "no reading, and none to choose between, is unclear"
    best = finding.named(best, items, scope)
    them = plurals.meant(best, items, scope)
    if them is not None:
        return _over(them, node, policies)
    files = loops.files_of(best.open, items, scope)
    if files is not None:
        return _for(files, Loop(node.clause, (node,)), policies)
    return _acted(best, node, items, scope, policies)


def _no_single_action(node: Do, items: tuple[Item, ...], scope: Scope, policies: Policies) -> Scope | None:
    """What can be told before any capability is looked for: a pause, nothing at all, one of two, a loop, a figure."""
    paused = pauses.read(node.clause, items, scope)
    if paused is not None:
        return paused
    if unable.nothing(items) or unable.only_when(node.clause.items):
        return scope.explain({i.index for i in items})
    lost = unable.without_antecedent(items, scope)
    if lost is not None:
        return unable.what_is(lost, node.clause, scope)
    if node.clause.joined == "or" and scope.actions and scope.failed is None:
        said = scope.text[node.clause.span.start : node.clause.span.end]
        return scope.ask("choice", f"Which is to be done: what is said before “or”, or “{said}”?", (), node.clause.span
                         ).explain({i.index for i in items})  # fmt: skip
    each = _each(items, scope, node, policies)
    if each is not None:
        return each
    many = plurals.named(items, scope)
    if many is not None:
        return _over(many, node, policies)
    if unable.unknown_verb(items, scope):
        return unable.no_capability(node.clause, scope)
    several = working_out.reads_several(items, scope)
    return several if several is not None else working_out.works_out(items, scope)


def _unclear(
    found: Sequence[Chosen], best: Chosen | None, node: Do, items: Sequence[Item], scope: Scope
) -> Scope | None:
    """The refusal or question where no reading was found, or where none of those found is sure."""
    somebody = unable.told_somebody(items, scope) if not found else None
    if somebody is not None:
        return unable.by_what(somebody, (), node.clause, scope)
    if not found or unable.generates(items, scope):
        return unable.no_capability(node.clause, scope)
    unknown = unable.unknown_service(items, found[0], scope)
    if unknown is not None:
        return scope.refuse(unknown.span, f"no service called {unknown.text} is in the catalog").explain(
            {i.index for i in items}
        )
    asked_before = scope.told_at(node.clause.span) is not None
    told = unable.by_no_way(found, items, scope) if not asked_before else None
    if told is not None:
        return unable.by_what(told, found, node.clause, scope)
    if best is None:
        return unable.which(found, node.clause, scope)
    kinds = unable.of_a_kind(best, items, scope) if not asked_before else ()
    return unable.ask_which(kinds, node.clause, scope) if kinds else None


def _acted(best: Chosen, node: Do, items: Sequence[Item], scope: Scope, policies: Policies) -> Scope:
    """The chosen reading as an action: its order, what is said of it besides, what it leaves open, what it gives."""
    last = next((a for a in reversed(scope.actions) if a.service or a.branches or a.for_each or a.wait), None)
    action = best.action
    if last is not None and (node.then or last.wait is not None):
        action = msgspec.structs.replace(action, after=_unawaited(scope.actions))
    action, after = _governed(action, best, node, policies, best.scope)
    after = unset.ask(best, action, items, after)
    for placeholder in best.placeholders:
        after = after.ask(
            f"{action.id}.{placeholder.strip('{}')}", f"What should stand for {placeholder}?", (), node.clause.span
        )
    after = after.act(action)
    for value, used in receivers.more_receivers(best, action, items):
        name, after = after.name(action.id)
        after = after.act(msgspec.structs.replace(action, id=name, params=value)).explain({used})
    return _see_result(best.entry, action, after)


def _unawaited(actions: Sequence[Action]) -> tuple[str, ...]:
    """What nothing waits for yet: all of it comes before what is said to come then."""
    awaited = {name for action in actions for name in action.after}
    doing = [a for a in actions if a.service or a.branches or a.for_each or a.wait or a.approval]
    return tuple(a.id for a in doing if a.id not in awaited and not _feeds(a.id, doing))


def _feeds(name: str, actions: Sequence[Action]) -> bool:
    """A later action takes what this one gives, and so waits for it."""
    place = re.compile(r"\b" + re.escape(name) + r"\b[.}]")
    return any(a.id != name and place.search(msgspec.json.encode(a).decode()) for a in actions)


def _governed(action: Action, best: Chosen, node: Do, policies: Policies, scope: Scope) -> tuple[Action, Scope]:
    """Retry, rate and fallback said about this action."""
    if policies.retry is not None and _retries_this(node.clause, policies):
        action = msgspec.structs.replace(action, retry=policies.retry)
    if policies.rate is not None and best.entry.spec.__class__.__name__ == "Capability" and not best.entry.reads:
        action = msgspec.structs.replace(action, rate=policies.rate)
    plain = rescues.without_doing(node)
    if plain is not None:
        on_error, used = plain
        return msgspec.structs.replace(action, on_error=on_error), scope.explain(used)
    if node.rescue:
        scope = rescues.fails_elsewhere(node, best, scope)
        said = scope.text[node.clause.span.start : node.clause.span.end].strip(" ,")
        rescue = rescues.instead(node, best, scope)
        inner = build(rescue, scope.put(actions=(), failed=said), Policies()).put(failed=None)
        action = msgspec.structs.replace(action, fallback=Fallback(actions=inner.actions))
        scope = inner.put(actions=scope.actions, sources=scope.sources)
    return action, scope


def _retries_this(clause: Clause, policies: Policies) -> bool:
    if policies.retry_at is None or not clause.items:
        return True
    return clause.items[0].index < policies.retry_at or policies.leads


def _pick(found: Sequence[Chosen], items: Sequence[Item], scope: Scope, span: Span) -> Chosen | None:
    """The best reading, or None when another service's is as good and nothing said which."""
    told = scope.told_at(span)
    best = next((c for c in found if c.entry.service.title == told), found[0])
    if told is not None:
        return best
    for other in found[1:]:
        if best.score - other.score >= unable.MARGIN:
            break
        if other.astray > best.astray:
            continue  # somebody is named to whom that one cannot send
        if other.unexplained and not best.unexplained and best.fits:
            continue  # words were said that only the best has a place for
        if _by_name(best, items, scope) and not _by_name(other, items, scope):
            continue
        if other.entry.service.id != best.entry.service.id:
            return None
    return best


def _by_name(chosen: Chosen, items: Sequence[Item], scope: Scope) -> bool:
    """The service is called by its name, written as one."""
    own = wording.named_at(chosen.entry, items, scope)
    return any(i.proper and i.index in own for i in items)


def _see_result(entry: Entry, action: Action, scope: Scope) -> Scope:
    result = entry.result
    if isinstance(non_null(result), ObjectOf) and not non_null(result).fields:  # type: ignore[union-attr]
        return scope
    kind = "result" if entry.reads else "made"
    listing = entry.listing
    if listing is not None and listing.path and 1 in action.params.values():
        # one was asked for, so what follows speaks of that one
        name, scope = scope.name(loops.singular(listing.path))
        scope = scope.act(Action(id=name, value=f"FIRST({action.id}.{listing.path})", span=action.span))
        return scope.see(Source(name, listing.item, listing.nouns | result_words(entry), entry.service.id, kind, entry))
    return scope.see(Source(action.id, result, result_words(entry), entry.service.id, kind, entry))


# --- loops ---------------------------------------------------------------------------------------------------------


def _loop(node: Loop, scope: Scope, policies: Policies) -> Scope:
    head = [i for i in node.clause.items if i.kind != "time"]
    some = bool(head) and head[0].lower in {"one", "of", *data_words("lists", "choosing")}
    if not nouns.content(head) or some:
        listed = loops.last_list(node.clause.items, scope)
        return build(node.body, scope, policies) if listed is None else _for(listed, node, policies)
    listed = loops.list_of(head, scope)
    if listed is None:
        body = node.body[0]
        for end in range(len(head) - 1, 0, -1):
            said = loops.list_of(head[:end], scope) if isinstance(body, Do) and _goes_on(body, head[end]) else None
            if said is not None and isinstance(body, Do):  # `create a contact for each row with its email`
                clause = msgspec.structs.replace(body.clause, items=(*body.clause.items, *head[end:]))
                listed, node = said, msgspec.structs.replace(node, body=(body_with(body, clause), *node.body[1:]))
                break
    if listed is None:
        span = branches.said_at(node.clause)
        asked = scope.ask("list", f"Which list is meant by “{scope.text[span.start : span.end]}”?", (), span)
        return asked.explain(branches.words_of((node,)))
    return _for(listed.explain({i.index for i in (*node.clause.items, *node.clause.cue_items)}), node, policies)


def body_with(body: Do, clause: Clause) -> Do:
    """The same action, with what was said of it after the list."""
    return msgspec.structs.replace(body, clause=clause)


def _goes_on(body: Do, item: Item) -> bool:
    """A word after the list by which the action before it goes on."""
    before = bool(body.clause.items) and body.clause.items[0].index < item.index
    return before and item.lower in ("with", "to", "in", "into", "as", "using", "by", "on", "saying", "for")


def _for(listed: loops.Listed, node: Loop, policies: Policies) -> Scope:
    """The body once for each item of the list, less what is excluded."""
    listed = listed.named()
    for clause in node.excluded:
        less = loops.without(listed, clause.items)
        if less is None:
            listed = listed.put(branches.unread(clause, listed.scope))
            continue
        listed = less.explain({i.index for i in (*clause.items, *clause.cue_items)})
    scope = listed.scope
    inner = build(node.body, scope.put(actions=(), sources=(*scope.sources, listed.item)), policies)
    after = inner.put(actions=scope.actions, sources=scope.sources)
    loop_id, after = after.name(f"each_{listed.item.root}")
    head = ForEach(item=listed.item.root, source=listed.expr, where=filters.all_of(listed.where))
    return after.act(Action(id=loop_id, for_each=head, actions=inner.actions, span=node.clause.span))


def _each(items: Sequence[Item], scope: Scope, node: Do, policies: Policies) -> Scope | None:
    """`email each person in the sheet ...`, `notify #x about every overdue invoice`: a loop inside an action clause."""
    found = loops.inside(items, scope) or loops.those(items, scope)
    return None if found is None else _over(found, node, policies)


def _over(found: tuple[loops.Listed, tuple[Item, ...]], node: Do, policies: Policies) -> Scope:
    """What the node says, once for each item of a list that its words named."""
    listed, rest = found
    clause = msgspec.structs.replace(node.clause, items=rest)
    body = msgspec.structs.replace(node, clause=clause, excluded=(), also=())
    return _for(listed, Loop(node.clause, (body, *node.also), node.excluded), policies)
