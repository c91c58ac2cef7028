"""Stage 5 and 6 over the tree of a sentence: nodes become actions, and what cannot be decided is asked or refused.

Knows: nesting (branches, loops, fallbacks), what is in reach where, when two readings are too close to choose.
In: nodes and a scope. Out: a scope with actions, questions, refusals. Never: a guess that nobody would see.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

import msgspec

from eyeflow.frontend import actions, conditions, content, loops, nouns, pauses, plurals, triggers, wording
from eyeflow.frontend.actions import Chosen
from eyeflow.frontend.clauses import Clause
from eyeflow.frontend.comparisons import negate
from eyeflow.frontend.intent import Action, Branch, Fallback, ForEach, JsonValue
from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import phrase_at, same_doing, words
from eyeflow.frontend.policies import Policies
from eyeflow.frontend.rewording import FOR_ALL, LAST_ONLY
from eyeflow.frontend.scope import Scope, Source, asking
from eyeflow.frontend.tree import Do, If, Loop, Node
from eyeflow.frontend.values_said import escape
from eyeflow.frontend.vocabulary import Entry
from eyeflow.values import JSON, Field, ListOf, ObjectOf, Span, Type, is_numeric, non_null

MARGIN = 0.4
LEAST = 0.3
"""A reading with a lower score is no reading."""
"""Two readings with other services whose scores differ by less are put to the person."""


class Built(msgspec.Struct, frozen=True, eq=False):
    """State across nodes of one level: the scope, and the last subject a condition had."""

    scope: Scope
    subject: tuple[str, Type] | None = None


def build(nodes: Sequence[Node], scope: Scope, policies: Policies) -> Scope:
    """All `nodes` at one level."""
    state = Built(scope)
    gates = pauses.Gates()
    for node in _of_the_same(_governing_all(nodes, scope)):
        before = state.scope.actions
        state = _node(node, state, policies)
        clause = node.clause if isinstance(node, Do) else None
        state = msgspec.structs.replace(state, scope=gates.through(before, clause, state.scope))
    return state.scope


def _governing_all(nodes: Sequence[Node], scope: Scope) -> list[Node]:
    """Where a person has said that a condition at the end holds for all actions before it, it takes them in."""
    out: list[Node] = []
    for node in nodes:
        if isinstance(node, If) and node.unclear and scope.told_at(_said_at(node.arms[0].clause)) == FOR_ALL:
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


def _node(node: Node, state: Built, policies: Policies) -> Built:
    if isinstance(node, Do):
        return msgspec.structs.replace(state, scope=_do(node, state.scope, policies))
    if isinstance(node, If):
        return _if(node, state, policies)
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
    items = tuple(i for i in node.clause.items if i.kind != "time" or (i.time is not None and i.time.kind == "delay"))
    meant = _whichever(items)
    scope, items = scope.explain({i.index for i in items} - {i.index for i in meant}), meant
    paused = pauses.read(node.clause, items, scope)
    if paused is not None:
        return paused
    if _nothing(items):
        return scope.explain({i.index for i in items})
    each = _each(items, scope, node, policies)
    if each is not None:
        return each
    many = plurals.named(items, scope)
    if many is not None:
        return _over(many, node, policies)
    if _unknown_verb(items, scope):
        return _no_capability(node.clause, scope)
    several = _reads_several(items, scope)
    if several is not None:
        return several
    worked_out = _works_out(items, scope)
    if worked_out is not None:
        return worked_out
    found = [c for c in actions.read(items, scope) if c.score >= LEAST]
    if not found or _generates(items, scope):
        return _no_capability(node.clause, scope)
    unknown = _unknown_service(items, found[0])
    if unknown is not None:
        return scope.refuse(unknown.span, f"no service called {unknown.text} is in the catalog").explain(
            {i.index for i in items}
        )
    best = _pick(found, scope, node.clause.span)
    if best is None:
        return _which(found, node.clause, scope)
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
    after = _open(best, action, after)
    for placeholder in best.placeholders:
        after = after.ask(
            f"{action.id}.{placeholder.strip('{}')}", f"What should stand for {placeholder}?", (), node.clause.span
        )
    after = after.act(action)
    for value, used in _more_receivers(best, action, items):
        name, after = after.name(action.id)
        after = after.act(msgspec.structs.replace(action, id=name, params=value)).explain({used})
    return _see_result(best.entry, action, after)


def _whichever(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """`store whichever works`, after a fallback: it."""
    lowered = [i.lower for i in items]
    at = next((k for k in range(len(items)) if phrase_at("whichever", lowered, k)), None)
    if at is None:
        return items
    it = msgspec.structs.replace(items[at], lower="it", stem="it")
    return (*items[:at], it, *items[at + phrase_at("whichever", lowered, at) :])


def _nothing(items: Sequence[Item]) -> bool:
    """`do nothing`, `don't do anything`, `stay quiet`: an arm in which nothing is done."""
    said = [i.lower for i in items if i.kind != "punct"]
    return bool(said) and phrase_at("nothing", said, 0) == len(said)


def _unawaited(actions: Sequence[Action]) -> tuple[str, ...]:
    """What nothing waits for yet: all of it comes before what is said to come then."""
    awaited = {name for action in actions for name in action.after}
    doing = [a for a in actions if a.service or a.branches or a.for_each or a.wait or a.approval]
    return tuple(a.id for a in doing if a.id not in awaited and not _feeds(a.id, doing))


def _feeds(name: str, actions: Sequence[Action]) -> bool:
    """A later action takes what this one gives, and so waits for it."""
    place = re.compile(r"\b" + re.escape(name) + r"\b[.}]")
    return any(a.id != name and place.search(msgspec.json.encode(a).decode()) for a in actions)


def _reads_several(items: Sequence[Item], scope: Scope) -> Scope | None:
    """`get the weather for A and B and the rate`: a reading verb over a list of things, each read on its own."""
    if not items or not same_doing("get", items[0].stem):
        return None
    parts = content.conjuncts([i for i in items[1:] if i.kind != "time"])
    if len(parts) < 2:
        return None
    previous: nouns.Reading | None = None
    for part in map(_without_manner, parts):
        reading = content.same_again(part, previous, scope) or nouns.sure(nouns.read(part, scope))
        if reading is None or reading.entry is None:
            return None
        scope, previous = reading.scope, reading
    return scope.explain({i.index for i in items})


def _works_out(items: Sequence[Item], scope: Scope) -> Scope | None:
    """`sum the amounts of yesterday's payments`, `sort the deals by amount`: a value of its own, from what is read."""
    verb = items[0].lower if items else ""
    if verb in ("sum", "total", "average"):
        reading = nouns.sure(nouns.read(items, scope))
        if reading is None or not is_numeric(non_null(reading.type)):
            return None
    elif verb in ("sort", "group", "rank", "order") or (verb and same_doing("get", items[0].stem)):
        said = items if verb in ("sort", "group", "rank", "order") else items[1:]
        reading = nouns.sure(nouns.read(said, scope, Field("list", JSON)))
        if reading is None or "(" not in reading.expr:
            return None
        return _worked_out(reading, items)
    else:
        return None
    name, after = reading.scope.name(items[0].lower)
    after = after.act(Action(id=name, value=reading.expr, span=Span(items[0].span.start, items[-1].span.end)))
    source = Source(
        name, reading.type, frozenset({"total", "sum", "average", "amount", items[0].stem}), "", "result", None
    )
    return after.see(source).explain({i.index for i in items})


def _worked_out(reading: nouns.Reading, items: Sequence[Item]) -> Scope:
    """The value as an action, and as what is spoken of next."""
    name, after = reading.scope.name("listed" if isinstance(non_null(reading.type), ListOf) else "value")
    after = after.act(Action(id=name, value=reading.expr, span=Span(items[0].span.start, items[-1].span.end)))
    own = reading.source
    said = frozenset(i.stem for i in items[1:] if i.is_word and not i.is_stop) | {"list", "count", "group", "valu"}
    known = (own.nouns if own is not None else frozenset[str]()) | said
    source = Source(name, reading.type, known, own.service if own is not None else "", "result", None)
    after = after.put(sources=tuple(s for s in after.sources if s is not own))
    return after.see(source).explain({i.index for i in items})


def _without_manner(part: list[Item]) -> list[Item]:
    """A phrase without `at the same time`, `in parallel`: actions that can go together do anyway."""
    lowered = [i.lower for i in part]
    for k in range(len(part)):
        if phrase_at("together", lowered, k):
            return part[:k]
    return part


def _unknown_verb(items: Sequence[Item], scope: Scope) -> bool:
    """`teleport the weather to ...`: an order whose verb nobody knows; its object does not say what to do."""
    if len(items) < 2 or not items[0].is_word or items[0].proper or items[0].is_stop:
        return False
    told = items[1].lower in words("determiners") or items[1].is_literal or items[1].lower in words("me")
    verb = items[0]
    return told and not verb.acts and verb.stem not in scope.vocab.by_stem


def _generates(items: Sequence[Item], scope: Scope) -> bool:
    """`translate ...`: text would have to be made up, and no capability of the catalog is asked for by that verb."""
    verb = items[0] if items else None
    if verb is None or verb.lower not in words("generation"):
        return False
    return not scope.vocab.by_verb.get(verb.stem)


_CARRIED = (
    "message",
    "messages",
    "msg",
    "notification",
    "dm",
    "chat",
    "post",
    "task",
    "ticket",
    "card",
    "page",
    "doc",
    "invite",
)


def _unknown_service(items: Sequence[Item], best: Chosen) -> Item | None:
    """`a WhatsApp message`: a name before what services carry, that no service has and nothing else explains."""
    for item, after in itertools.pairwise(items):
        if item.proper and item.is_word and item.index in best.unexplained and after.lower in _CARRIED:
            return item
    return None


def _more_receivers(best: Chosen, action: Action, items: Sequence[Item]) -> list[tuple[dict[str, JsonValue], int]]:
    """`to a@x.org and b@x.org`, `to #a and #b`: the same once more for each further literal of that kind."""
    found: list[tuple[dict[str, JsonValue], int]] = []
    mine = _me_as_well(best, action, items)
    if mine is not None:
        found.append(mine)
    for at, item in enumerate(items):
        if item.index not in best.unexplained or item.kind not in ("email", "channel", "phone"):
            continue
        first = next((i for i in items[:at] if i.kind == item.kind), None)
        before = [i.lower for i in items[max(0, at - 2) : at]]
        joined = bool({"and", ",", "&"} & set(before)) and before[-1] in ("and", ",", "&", "to", "in")
        if first is None or not joined:
            continue
        slot = next((n for n, v in action.params.items() if v == escape(str(first.value or first.text))), None)
        if slot is not None:
            found.append(({**action.params, slot: escape(str(item.value or item.text))}, item.index))
    return found


def _me_as_well(best: Chosen, action: Action, items: Sequence[Item]) -> tuple[dict[str, JsonValue], int] | None:
    """`text me and +15550111`, `email a@x.org and me`: the asker is one of several receivers."""
    for at, item in enumerate(items):
        if item.lower not in words("me"):
            continue
        near = [
            items[k]
            for k in (at - 2, at + 2)
            if 0 <= k < len(items) and items[(at + k) // 2].lower in ("and", ",", "&")
        ]
        other = next((i for i in near if i.kind in ("email", "phone")), None)
        first = next((i for i in items if other is not None and i.kind == other.kind), None)
        slot = next(
            (n for n, v in action.params.items() if first and v == escape(str(first.value or first.text))), None
        )
        known = best.scope.me(other.kind) if other is not None else None
        if slot is not None and known is not None:
            return {**action.params, slot: known}, item.index
    return None


def _governed(action: Action, best: Chosen, node: Do, policies: Policies, scope: Scope) -> tuple[Action, Scope]:
    """Retry, rate and fallback said about this action."""
    if policies.retry is not None and _retries_this(node.clause, policies):
        action = msgspec.structs.replace(action, retry=policies.retry)
    if policies.rate is not None and best.entry.spec.__class__.__name__ == "Capability" and not best.entry.reads:
        action = msgspec.structs.replace(action, rate=policies.rate)
    if node.rescue:
        said = scope.text[node.clause.span.start : node.clause.span.end].strip(" ,")
        inner = build(_instead(node, best, scope), scope.put(actions=(), failed=said), Policies()).put(failed=None)
        action = msgspec.structs.replace(action, fallback=Fallback(actions=inner.actions))
        scope = inner.put(actions=scope.actions, sources=scope.sources)
    return action, scope


def _instead(node: Do, best: Chosen, scope: Scope) -> tuple[Node, ...]:
    """`fall back to Exchange Rates`: the same asked of another service."""
    other = node.rescue[0]
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


def _retries_this(clause: Clause, policies: Policies) -> bool:
    if policies.retry_at is None or not clause.items:
        return True
    return clause.items[0].index < policies.retry_at or policies.leads


def _pick(found: Sequence[Chosen], scope: Scope, span: Span) -> Chosen | None:
    """The best reading, or None when another service's is as good and nothing said which."""
    told = scope.told_at(span)
    best = next((c for c in found if c.entry.service.title == told), found[0])
    if told is not None:
        return best
    for other in found[1:]:
        if best.score - other.score >= MARGIN:
            break
        if other.entry.service.id != best.entry.service.id:
            return None
    return best


def _which(found: Sequence[Chosen], clause: Clause, scope: Scope) -> Scope:
    close = [c for c in found if found[0].score - c.score < MARGIN]
    titles = tuple(dict.fromkeys(c.entry.service.title for c in close))
    said = scope.text[clause.span.start : clause.span.end]
    return scope.ask("service", f"Which service should do “{said}”?", titles, clause.span).explain(
        {i.index for i in clause.items}
    )


def _no_capability(clause: Clause, scope: Scope) -> Scope:
    held = nouns.content(clause.items)
    if not held:
        return scope
    span = Span(held[0].span.start, held[-1].span.end)
    said = scope.text[span.start : span.end]
    near = scope.vocab.candidates([i.stem for i in held])[:3]
    suggestions = tuple(f"{e.service.title}: {e.spec.summary}" for e in near)
    reason = f"no service in the catalog can do “{said}”"
    return scope.refuse(span, reason, suggestions).explain({i.index for i in clause.items})


def _open(best: Chosen, action: Action, scope: Scope) -> Scope:
    """Questions for required parameters without a value; answers given are put in their place."""
    for param in best.open:
        slot = f"{action.id}.{param.name}"
        text, options = _question(best.entry, param, scope)
        scope = scope.ask(slot, text, options, action.span)
    return scope


def _question(entry: Entry, param: Field, scope: Scope) -> tuple[str, tuple[str, ...]]:
    known = dict(scope.ctx.profile.defaults).get(f"{entry.service.id}.{param.name}")
    options = tuple(param.enum) or ((str(known.value),) if known is not None else ())
    return asking(entry, param), options


def _see_result(entry: Entry, action: Action, scope: Scope) -> Scope:
    from eyeflow.frontend.nouns import _nouns  # noqa: PLC0415 - the same words name a fetched and a made thing

    result = entry.result
    if isinstance(non_null(result), ObjectOf) and not non_null(result).fields:  # type: ignore[union-attr]
        return scope
    kind = "result" if entry.reads else "made"
    listing = entry.listing
    if listing is not None and listing.path and 1 in action.params.values():
        # one was asked for, so what follows speaks of that one
        name, scope = scope.name(loops.singular(listing.path))
        scope = scope.act(Action(id=name, value=f"FIRST({action.id}.{listing.path})", span=action.span))
        return scope.see(Source(name, listing.item, listing.nouns | _nouns(entry), entry.service.id, kind, entry))
    return scope.see(Source(action.id, result, _nouns(entry), entry.service.id, kind, entry))


# --- conditions ----------------------------------------------------------------------------------------------------


def _if(node: If, state: Built, policies: Policies) -> Built:
    if node.trailing:
        return _trailing(node, state, policies)
    scope, subject = state.scope, state.subject
    branches: list[Branch] = []
    for arm in node.arms:
        made = _condition(arm.clause, arm.negated, scope, subject)
        if made is None:
            inside = _words_of((*(n for each in node.arms for n in each.body), *node.otherwise))
            return msgspec.structs.replace(state, scope=_unread(arm.clause, scope).explain(inside))
        expr, scope, subject = made
        inner, scope = _inside(arm.body, scope, policies)
        branches.append(Branch(when=expr, actions=inner))
    default: tuple[Action, ...] = ()
    if node.otherwise:
        default, scope = _inside(node.otherwise, scope, policies)
    name, scope = scope.name("choice")
    after = scope.act(Action(id=name, branches=tuple(branches), default=default, span=node.arms[0].clause.span))
    return Built(after, subject)


def _inside(nodes: Sequence[Node], scope: Scope, policies: Policies) -> tuple[tuple[Action, ...], Scope]:
    """Nodes in a scope of their own: their actions, and the outer scope with what was asked inside."""
    inner = build(nodes, scope.put(actions=()), policies)
    return inner.actions, inner.put(actions=scope.actions, sources=scope.sources)


def _condition(
    clause: Clause, negated: bool, scope: Scope, subject: tuple[str, Type] | None
) -> tuple[str, Scope, tuple[str, Type] | None] | None:
    told = scope.told_at(_said_at(clause))
    if told is not None and told not in (LAST_ONLY, FOR_ALL):
        done = scope.explain({i.index for i in (*clause.items, *clause.cue_items)})
        return (negate(told) if negated else told), done, subject
    made = conditions.read(clause.items, scope, None, subject)
    if made is None:
        return None
    done = made.scope.explain({i.index for i in clause.items} - set(made.unexplained))
    done = done.explain({i.index for i in clause.cue_items})
    return (negate(made.expr) if negated else made.expr), done, made.subject


def _unread(clause: Clause, scope: Scope) -> Scope:
    span = _said_at(clause)
    said = scope.text[span.start : span.end]
    asked = scope.ask("condition", f"When exactly is “{said}” true? Name a value to compare with.", (), span)
    return asked.explain({i.index for i in clause.items})


def _said_at(clause: Clause) -> Span:
    """Where the clause stands without its cue: an answer is read in place of these words."""
    items = clause.items or clause.cue_items
    return Span(items[0].span.start, items[-1].span.end) if items else clause.span


def _words_of(nodes: Sequence[Node]) -> set[int]:
    """All items of nodes that are not built, because what they hang on is asked first."""
    found: set[int] = set()
    for node in nodes:
        if isinstance(node, If):
            clauses = [arm.clause for arm in node.arms]
            inner = (*(n for arm in node.arms for n in arm.body), *node.otherwise)
        else:
            clauses = [node.clause, *node.excluded]
            inner = node.body if isinstance(node, Loop) else node.rescue
        found |= {i.index for clause in clauses for i in (*clause.items, *clause.cue_items)} | _words_of(inner)
    return found


def _trailing(node: If, state: Built, policies: Policies) -> Built:
    """`email me the balance if it is under 10`: reads stay outside, what changes something goes under the condition."""
    arm = node.arms[0]
    scope = state.scope
    if node.unclear and scope.told_at(_said_at(arm.clause)) is None:
        said = scope.text[arm.clause.span.start : arm.clause.span.end]
        asked = f"Does “{said}” hold for the last action alone, or for all of them?"
        scope = scope.ask("condition.scope", asked, (LAST_ONLY, FOR_ALL), _said_at(arm.clause))
    before = len(scope.actions)
    scope = build(arm.body, scope, policies)
    mine = scope.actions[before:]
    made = _condition(arm.clause, arm.negated, scope, state.subject)
    if made is None:
        return msgspec.structs.replace(state, scope=_unread(arm.clause, scope))
    expr, scope, subject = made
    fetched = scope.actions[before + len(mine) :]
    reads = tuple(a for a in mine if _reads(a, scope))
    acts = tuple(a for a in mine if not _reads(a, scope))
    kept = (*scope.actions[:before], *reads, *fetched)
    default: tuple[Action, ...] = ()
    if node.otherwise:
        default, scope = _inside(node.otherwise, scope, policies)
    name, scope = scope.name("choice")
    branch = Action(id=name, branches=(Branch(when=expr, actions=acts),), default=default, span=arm.clause.span)
    return Built(scope.put(actions=(*kept, branch)), subject)


def _reads(action: Action, scope: Scope) -> bool:
    if action.value is not None:
        return True
    if action.service is None or action.function is None:
        return False
    entry = scope.vocab.entry(action.service, action.function)
    return entry is not None and entry.reads


# --- loops ---------------------------------------------------------------------------------------------------------


def _loop(node: Loop, scope: Scope, policies: Policies) -> Scope:
    head = [i for i in node.clause.items if i.kind != "time"]
    if not nouns.content(head) or head[0].lower in ("one", "of", "that", "with", "older", "newer"):
        listed = loops.last_list(node.clause.items, scope)
        return build(node.body, scope, policies) if listed is None else _for(listed, node, policies)
    listed = loops.list_of(head, scope)
    if listed is None:
        span = _said_at(node.clause)
        asked = scope.ask("list", f"Which list is meant by “{scope.text[span.start : span.end]}”?", (), span)
        return asked.explain(_words_of((node,)))
    return _for(listed.explain({i.index for i in (*node.clause.items, *node.clause.cue_items)}), node, policies)


def _for(listed: loops.Listed, node: Loop, policies: Policies) -> Scope:
    """The body once for each item of the list, less what is excluded."""
    listed = listed.named()
    for clause in node.excluded:
        less = loops.without(listed, clause.items)
        if less is None:
            listed = listed.put(_unread(clause, listed.scope))
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
    found = loops.inside(items, scope)
    return None if found is None else _over(found, node, policies)


def _over(found: tuple[loops.Listed, tuple[Item, ...]], node: Do, policies: Policies) -> Scope:
    """What the node says, once for each item of a list that its words named."""
    listed, rest = found
    clause = msgspec.structs.replace(node.clause, items=rest)
    body = msgspec.structs.replace(node, clause=clause, excluded=(), also=())
    return _for(listed, Loop(node.clause, (body, *node.also), node.excluded), policies)
