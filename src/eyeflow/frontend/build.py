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
    finding,
    loops,
    nouns,
    pauses,
    plurals,
    receivers,
    triggers,
    unable,
    wording,
    working_out,
)
from eyeflow.frontend.actions import Chosen
from eyeflow.frontend.clauses import Clause
from eyeflow.frontend.data import words as data_words
from eyeflow.frontend.fetching import result_words
from eyeflow.frontend.handling.receivers import addressed
from eyeflow.frontend.intent import Action, Fallback, ForEach
from eyeflow.frontend.items import Item
from eyeflow.frontend.policies import Policies
from eyeflow.frontend.rewording import FOR_ALL
from eyeflow.frontend.scope import Scope, Source, asking
from eyeflow.frontend.tree import Do, If, Loop, Node
from eyeflow.frontend.vocabulary import RECIPIENTS, Entry, split_name
from eyeflow.values import Field, ObjectOf, Span, non_null

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
    items = tuple(
        i
        for i in node.clause.items
        if i.kind != "time" or (i.time is not None and (i.time.kind == "delay" or i.time.waited_for))
    )
    meant = unable.whichever(items)
    scope, items = scope.explain({i.index for i in items} - {i.index for i in meant}), meant
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
    if several is not None:
        return several
    worked_out = working_out.works_out(items, scope)
    if worked_out is not None:
        return worked_out
    readings = finding.read(items, scope) or actions.read(items, scope)
    found = [c for c in readings if c.score >= LEAST] or [c for c in readings[:1] if c.entry.capability_says and c.fits]
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
    found = unable.to_me(found, items, scope) if scope.told_at(node.clause.span) is None else found
    best = _pick(found, items, scope, node.clause.span)
    told = unable.by_no_way(found, items, scope) if scope.told_at(node.clause.span) is None else None
    if told is not None:
        return unable.by_what(told, found, node.clause, scope)
    if best is None:
        return unable.which(found, node.clause, scope)
    kinds = unable.of_a_kind(best, items, scope) if scope.told_at(node.clause.span) is None else ()
    if kinds:
        return unable.ask_which(kinds, node.clause, scope)
    them = plurals.meant(best, items, scope)
    if them is not None:
        return _over(them, node, policies)
    files = loops.files_of(best.open, items, scope)
    if files is not None:
        return _for(files, Loop(node.clause, (node,)), policies)
    after = best.scope
    last = next((a for a in reversed(scope.actions) if a.service or a.branches or a.for_each or a.wait), None)
    action = best.action
    if last is not None and (node.then or last.wait is not None):
        action = msgspec.structs.replace(action, after=_unawaited(scope.actions))
    action, after = _governed(action, best, node, policies, after)
    after = _open(best, action, items, after)
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
    if node.rescue:
        scope = _fails_elsewhere(node, best, scope)
        said = scope.text[node.clause.span.start : node.clause.span.end].strip(" ,")
        inner = build(_instead(node, best, scope), scope.put(actions=(), failed=said), Policies()).put(failed=None)
        action = msgspec.structs.replace(action, fallback=Fallback(actions=inner.actions))
        scope = inner.put(actions=scope.actions, sources=scope.sources)
    return action, scope


def _instead(node: Do, best: Chosen, scope: Scope) -> tuple[Node, ...]:
    """`fall back to Exchange Rates`: the same asked of another service."""
    other = node.rescue[0]
    if isinstance(other, Do) and best.entry.capability_says:
        other = msgspec.structs.replace(other, clause=_by_another(other.clause, scope))
        node = msgspec.structs.replace(node, rescue=(other, *node.rescue[1:]))
    if not isinstance(other, Do) or len(node.rescue) > 1 or (other.clause.items and other.clause.items[0].acts):
        return node.rescue
    items = [i for i in other.clause.items if i.kind != "punct" and not i.is_stop]
    name = scope.vocab.name_at([i.lower for i in items], 0) if items else None
    if name is None or name.length != len(items) or best.entry.service.id in name.services:
        return node.rescue
    own = wording.named_at(best.entry, node.clause.items, scope)
    kept = [i for i in node.clause.items if i.index not in own]
    last = max((k for k, i in enumerate(node.clause.items) if i.index in own), default=len(kept))
    at = min(last, len(kept))
    clause = msgspec.structs.replace(other.clause, items=(*kept[:at], *items, *kept[at:]))
    return (msgspec.structs.replace(other, clause=clause),)


_PLACES = ("instead", "channel", "chat", "room", "group", "number")


def _fails_elsewhere(node: Do, best: Chosen, scope: Scope) -> Scope:
    """`post the weather, or if the weather service is down ...`: what is to fail is not what this clause does."""
    first = node.rescue[0]
    cue = first.clause.cue_items if isinstance(first, Do) and first.clause.role == "failure" else ()
    named = wording.names_in(cue, scope) if cue else ()
    if not named or best.entry.service.id in named or not {a.service for a in scope.actions} & set(named):
        return scope
    span = Span(cue[0].span.start, cue[-1].span.end)
    said = scope.text[span.start : span.end]
    asked = (
        f"“{said}”: what should happen with the rest of the request then? Say the fallback right after what may fail."
    )
    return scope.ask("fallback", asked, (), span)


def _by_another(clause: Clause, scope: Scope) -> Clause:
    """`use Slack #ops instead`: the same is sent by another service."""
    items = [i for i in clause.items if i.kind != "punct"]
    told = bool(items) and items[0].lower in ("use", "try", "go", "do")
    if not told and clause.role != "fallback":
        return clause
    items = items[told:]
    while items and items[0].is_stop:
        items = items[1:]
    name = scope.vocab.name_at([i.lower for i in items], 0) if items else None
    rest = items[name.length :] if name is not None else items
    if name is None or any(i.is_word and not (i.is_stop or i.proper or i.lower in _PLACES) for i in rest):
        return clause
    plain = msgspec.structs.replace(clause.items[0], kind="word", proper=False, value=None)
    verb = msgspec.structs.replace(plain, lower="send", stem="send", verb=True)
    it = msgspec.structs.replace(plain, lower="it", stem="it", verb=False)
    again = () if any(i.lower == "instead" for i in items) else (msgspec.structs.replace(it, lower="instead"),)
    return msgspec.structs.replace(clause, items=(verb, it, *items, *again))


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


def _open(best: Chosen, action: Action, items: Sequence[Item], scope: Scope) -> Scope:
    """Questions for required parameters without a value; answers given are put in their place."""
    left = set(best.unexplained)
    for param in best.open:
        slot = f"{action.id}.{param.name}"
        text, options = _question(best.entry, param, scope)
        who = addressed(items, scope.vocab) if param.entity in RECIPIENTS else []
        if who:  # one question about `text Maria`: her number
            said = scope.text[who[0].span.start : who[-1].span.end]
            text, scope = f"{text} That of “{said}”.", scope.explain({i.index for i in who})
            left -= {i.index for i in who}
        beside = _beside(param, items, left) if not who else []
        if beside:
            said = scope.text[beside[0].span.start : beside[-1].span.end]
            text, scope = f"{text} You said “{said}”.", scope.explain({i.index for i in beside})
            left -= {i.index for i in beside}
        scope = scope.ask(slot, text, options, action.span)
    unset = unable.changes_nothing(best, items)
    if unset:
        text, options = _question(best.entry, unset[0], scope)
        if len(unset) > 1:
            text = f"{best.entry.service.title}: what should change? Say the {_either(unset)} it gets."
            options = ()
        scope = scope.ask(f"{action.id}.{unset[0].name}", text, options, action.span)
    return scope


def _beside(param: Field, items: Sequence[Item], left: set[int]) -> list[Item]:
    """`that noisy monitor`: words that say which one, though nobody could read them, with what is asked for."""
    names = split_name(param.name)
    for at, item in enumerate(items):
        if not item.is_word or item.stem not in names:
            continue
        first = at
        while first > 1 and items[first - 1].index in left and items[first - 1].is_word:
            first -= 1
        if first < at:
            return list(items[first : at + 1])
    return []


def _either(params: Sequence[Field]) -> str:
    names = [p.name.replace("_", " ") for p in params]
    return f"{', '.join(names[:-1])} or {names[-1]}"


def _question(entry: Entry, param: Field, scope: Scope) -> tuple[str, tuple[str, ...]]:
    known = dict(scope.ctx.profile.defaults).get(f"{entry.service.id}.{param.name}")
    options = tuple(param.enum) or ((str(known.value),) if known is not None else ())
    return asking(entry, param), options


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
    head = ForEach(item=listed.item.root, source=listed.expr, where=triggers.all_of(listed.where))
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
