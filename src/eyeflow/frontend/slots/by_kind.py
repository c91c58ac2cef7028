"""Cues that are a value's own kind: channels, addresses, amounts, enum words, days, codes, quoted text.

Knows: which parameters take which kind. In: a `Filling`. Out: the same, changed. Never: takes plain words.
"""

from __future__ import annotations

from eyeflow.frontend.items import Item
from eyeflow.frontend.lexicon import words
from eyeflow.frontend.slots.filling import Filling, is_container, is_identity, is_plain_text, is_plural
from eyeflow.frontend.values_said import element, enum_for, fits, is_code, wrap
from eyeflow.frontend.vocabulary import split_name
from eyeflow.units import is_currency
from eyeflow.values import BOOLEAN, DATE, STRING, TIMESTAMP, Field, is_numeric, non_null

_COPIES = frozenset({"cc", "bcc", "reply_to", "from"})
_LIMIT_NAMES = {"limit", "count", "n", "max", "max_results", "top", "size", "number", "max_items", "num"}
_DAY_NAMES = frozenset({"sinc", "since", "date", "day", "due", "deadline", "after", "period"})
_STATES = ("status", "state")
_TEXTS = (
    "text",
    "message",
    "body",
    "words",
    "note",
    "caption",
    "content",
    "comment",
    "description",
    "subject",
    "title",
)
_DAYS = frozenset({"today", "yesterday", "tomorrow"})
_PAIRS = (("base", "quote"), ("from", "to"), ("source", "target"), ("base", "target"), ("from_currency", "to_currency"))
_COINS = frozenset(split_name("currency_coin_token_crypto"))
_CODE_NAMES = frozenset({"symbol", "ticker", "code", "currency", "base"})


_SUPERLATIVES = ("top", "first", "latest", "last", "newest", "best")


def limits(said: Filling) -> None:
    """`top 3`, `first 5`, `latest 10` beside what is listed."""
    param = next((p for p in said.open() if p.name in _LIMIT_NAMES and is_numeric(non_null(p.type))), None)
    if param is None or any(i.lower == "by" for i in said.items):
        return  # ranked by something of ours: all are needed
    for i, item in enumerate(said.items):
        before = said.items[i - 1].lower if i else ""
        after_it = said.items[i + 1].lower if i + 1 < len(said.items) else ""
        superlative = before in _SUPERLATIVES
        if item.kind == "number" and after_it in ("top", "first") and isinstance(item.value, int) and not superlative:
            said.put(param, item.value, [i, i + 1])
            return
        if item.kind == "number" and superlative and isinstance(item.value, int):
            said.put(param, item.value, [i - 1, i])
            return
    tops = [i for i, item in enumerate(said.items) if item.lower == "top"]
    if tops and said.entry.listing is not None:
        after = said.items[tops[0] + 1] if tops[0] + 1 < len(said.items) else None
        if after is not None and after.is_word and not is_plural(after.lower):
            said.put(param, 1, tops)


def pairs(said: Filling) -> None:
    """`EUR to USD`: two codes around `to` are what is converted and into what."""
    names = {p.name: p for p in said.open()}
    pair = next(((a, b) for a, b in _PAIRS if a in names and b in names), None)
    if pair is None:
        return
    for at, item in enumerate(said.items):
        codes = item.text.replace("/", "") if said.free(at) and item.text.isupper() else ""
        if len(codes) == 6 and is_currency(codes[:3].lower()) and is_currency(codes[3:].lower()):
            said.put(names[pair[0]], codes[:3], [at])  # `EURUSD`, `EUR/USD`
            said.put(names[pair[1]], codes[3:], [])
            return
    for at in range(len(said.items) - 2):
        one, mid, two = said.items[at : at + 3]
        coded = all(i.text.isupper() and len(i.text) == 3 for i in (one, two)) or (_code(one) and _code(two))
        if coded and mid.lower in ("to", "/", "into", "in", "-"):
            said.put(names[pair[0]], one.text.upper(), [at, at + 1])
            said.put(names[pair[1]], two.text.upper(), [at + 2])
            return


def _code(item: Item) -> bool:
    """`usd`: the code of a currency, however it is written."""
    return item.is_word and len(item.text) == 3 and is_currency(item.lower)


def exchanges(said: Filling) -> None:
    """`100 USD to EUR`: an amount with its code, and the code it goes into."""
    names = {p.name: p for p in said.open()}
    pair = next(((a, b) for a, b in _PAIRS if a in names and b in names), None)
    amount = names.get("amount")
    if pair is None or amount is None or not is_numeric(element(amount)):
        return
    for at in range(len(said.items) - 2):
        one, mid, two = said.items[at : at + 3]
        coded = two.is_word and two.text.isupper() and len(two.text) == 3
        if one.kind == "money" and one.unit and is_currency(one.unit) and coded and mid.lower in ("to", "into", "in"):
            said.put(amount, one.value, [at])
            said.put(names[pair[0]], one.unit.upper(), [at])
            said.put(names[pair[1]], two.text, [at + 1, at + 2])
            return


def flags(said: Filling) -> None:
    """`tasks that aren't completed`, `archived cards`: a yes/no parameter by which a read chooses."""
    if not said.entry.reads:
        return
    for param in said.open():
        stems = split_name(param.name)
        if element(param) != BOOLEAN or len(stems) != 1:
            continue
        for at, item in enumerate(said.items):
            if not said.free(at) or not item.is_word or item.stem != stems[0]:
                continue
            before = [said.items[k].lower for k in range(max(0, at - 3), at)]
            negated = next((k for k, word in enumerate(before) if word in words("negations")), None)
            taken = [at] if negated is None else [*range(at - len(before) + negated, at + 1)]
            said.put(param, negated is None, taken)
            break


def codes(said: Filling) -> None:
    """`the AAPL price`: a word in capitals is the code that a parameter such as `symbol` wants; `bitcoin` is one."""
    for param in said.open():
        coins = [k for k, i in enumerate(said.items) if said.free(k) and i.lower in words("coins")]
        if coins and set(split_name(param.name)) & _COINS and is_plain_text(param):
            said.put(param, said.items[coins[0]].text, coins[:1])
            continue
        if not (set(split_name(param.name)) & _CODE_NAMES and is_plain_text(param)):
            continue
        for at, item in enumerate(said.items):
            if said.free(at) and item.is_word and item.text.isupper() and 2 <= len(item.text) <= 5 and item.proper:
                said.put(param, item.text, [at])
                break


def dates(said: Filling) -> None:
    """`yesterday's payments`, `due Monday`: a day said goes to the parameter that takes one, as it was said."""
    for param in said.open():
        dated = set(split_name(param.name)) & _DAY_NAMES or param.format in ("date", "date-time")
        if not dated or element(param) not in (STRING, DATE, TIMESTAMP):
            continue
        for at, item in enumerate(said.items):
            if not said.free(at):
                continue
            if item.is_word and item.lower.removesuffix("'s") in _DAYS:
                said.put(param, wrap(param, item.lower.removesuffix("'s")), [at])
                return
            if item.kind == "date" and (
                param.name.startswith(("due", "date", "day", "deadline")) or item.time is not None
            ):
                text = item.text.split()[-1] if item.text.lower().startswith(("due", "by")) else item.text
                said.put(param, wrap(param, text), [at])
                return


def enums(said: Filling) -> None:
    """Words that are one of a parameter's values: `failed payments`, `turn off`, `high priority`."""
    for param in said.open():
        if not param.enum or _in_words(said, param):
            continue
        for at, item in enumerate(said.items):
            if not said.free(at) or not (item.is_word or item.kind == "quoted"):
                continue
            if item.lower in ("on", "in", "to", "all", "new") and not _particle(said, at):
                continue
            value = enum_for(param, item)
            if value is None and item.is_word and param.name in _STATES:
                value = _not_yet(param, item.lower)
            if value is None and item.lower in words("cooling") and "cool" in param.enum:
                value = wrap(param, "cool")
            if value is not None:
                said.put(param, value, [at])
                break


def _in_words(said: Filling, param: Field) -> bool:
    """`the fix`, where a value is `the_fix`: a value that is several words, said as they stand."""
    lowered = [i.lower for i in said.items]
    values = sorted((v for v in param.enum if "_" in v or " " in v), key=len, reverse=True)
    for value in values:
        parts = value.casefold().replace("_", " ").split()
        for at in range(len(lowered) - len(parts) + 1):
            here = range(at, at + len(parts))
            if lowered[at : at + len(parts)] == parts and all(said.free(k) for k in here):
                said.put(param, wrap(param, value), list(here))
                return True
    return False


def _not_yet(param: Field, word: str) -> str | None:
    """`unpaid`, where a service knows `paid` and `open`: what is not yet in a state is open."""
    states = {value.casefold(): value for value in param.enum}
    return states.get("open") if word.startswith("un") and word[2:] in states else None


def unsaid_states(said: Filling) -> frozenset[int]:
    """Indexes of words of state that a service could be asked for, but was not: its phrases alone do not choose."""
    if not any(p.name in _STATES for p in said.open()):
        return frozenset()
    return frozenset(i.index for at, i in enumerate(said.items) if said.free(at) and i.lower in words("states"))


def _particle(said: Filling, at: int) -> bool:
    """`on` and `off` are values only as a verb's particle."""
    near = [said.items[k].lower for k in range(max(0, at - 1), at)]
    if near and near[0] in ("turn", "switch", "put", "set", "shut", "power"):
        return True
    last = at == len(said.items) - 1 or said.items[at + 1].kind in ("punct", "time")
    return last and any(i.lower in ("turn", "switch", "put", "set") for i in said.items[:at])


def states(said: Filling) -> None:
    """`open tickets`, `unpaid invoices`: a state said before the thing, for a free `status`."""
    param = next((p for p in said.open() if p.name in _STATES and not p.enum), None)
    if param is None or not said.entry.reads or element(param) != STRING:
        return
    for at, item in enumerate(said.items):
        if said.free(at) and item.is_word and item.lower in words("states"):
            said.put(param, item.lower, [at])
            return


def emojis(said: Filling) -> None:
    """`reacts with eyes`: a plain word where an emoji is wanted."""
    param = next((p for p in said.open() if "emoji" in split_name(p.name)), None)
    for at in range(1, len(said.items)) if param is not None else ():
        after = said.items[at + 1] if at + 1 < len(said.items) else None
        closed = after is None or not after.is_word or after.lower in words("prepositions") or after.lower == "emoji"
        item = said.items[at]
        led = said.items[at - 1].lower == "with" or (said.items[at - 2 : at] and said.items[at - 2].lower == "with")
        if led and closed and said.free(at) and item.is_word and not item.is_stop and param is not None:
            said.put(param, item.lower, [at, *([at + 1] if after is not None and after.lower == "emoji" else [])])
            return


def literals(said: Filling) -> None:
    """Typed literals to the parameters that take their kind: channels, addresses, repositories, amounts."""
    for at, item in enumerate(said.items):
        if not said.free(at) or not item.is_literal or item.kind in ("quoted", "freetext", "ordinal"):
            continue
        if item.kind == "number" and not _beside_numeric(said, at):
            continue
        for param in _for_literal(said, item):
            if item.kind == "channel" and not said.named and not _own_channel(said, param):
                continue
            value = fits(param, item)
            if value is None and item.kind == "channel" and (param.entity or "").endswith("_channel"):
                value = wrap(param, item.text)  # of the service that is named, or where it happened
            if value is not None:
                said.put(param, value, [at])
                break


def _own_channel(said: Filling, param: Field) -> bool:
    """`#news` alone is a channel of the service that was written to last, or else where it happened; where neither
    has channels, of the one that writes them so."""
    last = [a.service for a in reversed(said.scope.did)]
    near = [s.service for s in reversed(said.scope.sources) if s.kind == "trigger"]
    home = next((s for s in (*last, *near) if s in said.scope.vocab.with_channels), None)
    return param.entity in ("slack_channel", "channel") if home is None else home == said.entry.service.id


def _for_literal(said: Filling, item: Item) -> list[Field]:
    named = {i.lower for i in said.items}
    held = [p for p in said.open() if p.name not in _COPIES or p.name in named]
    lists = [p for p in said.entry.spec.params if isinstance(said.params.get(p.name), list)]
    exact = [p for p in held if p.entity is not None]
    return [*exact, *[p for p in held if p.entity is None], *lists]


def _beside_numeric(said: Filling, at: int) -> bool:
    numeric = [p for p in said.open() if is_numeric(element(p))]
    near = {said.items[k].stem for k in range(max(0, at - 3), min(len(said.items), at + 3)) if k != at}
    if any(set(split_name(p.name)) & near for p in numeric):
        return True
    lead = said.items[at - 1].lower if at else ""
    wanted = [p for p in numeric if p.required]
    if lead in ("to", "at", "=") and len(wanted) == 1 and len(numeric) == 1:
        return True  # `set the volume to 30`
    # `issue 42`: a number right after what the capability is about is its number
    before = said.items[at - 1].stem if at else ""
    numbered = any(set(split_name(p.name)) & {"number", "id", "iid"} for p in numeric if p.required)
    return numbered and before in said.entry.names | {w for phrase in said.entry.phrases for w in phrase}


def _names_a_place(said: Filling, at: int) -> bool:
    """`the files of the Drive folder "Scans"`: the text names where things are kept, and is not what is said."""
    kept = said.scope.vocab.places
    near = [said.items[k] for k in (at - 1, at + 1) if 0 <= k < len(said.items)]
    before = near[0] if at else None
    led = before is not None and before.is_word and before.stem in kept and before.lower not in _TEXTS
    after = near[-1] if at + 1 < len(said.items) else None
    named = after is not None and after.is_word and after.stem in kept and after.lower not in _TEXTS
    reached = any(i.lower in ("in", "of", "from", "with") for i in said.items[max(1, at - 5) : at])
    return reached and (led or named) and at > 2


def _more(said: Filling, param: Field, at: int) -> None:
    """`"Ann" and "42"`: the rest of a list of quoted texts goes to the same list."""
    k = at + 1
    while k + 1 < len(said.items) and said.items[k].lower in ("and", ",", "&") and said.items[k + 1].kind == "quoted":
        value = fits(param, said.items[k + 1])
        if value is not None:
            said.put(param, value, [k + 1])
        k += 2


def _is_the_thing(said: Filling, at: int) -> bool:
    """`open a ticket "Printer"`: the word before a quotation is what is made, and not a verb of saying."""
    item = said.items[at]
    spoken = said.entry.summary | {word for phrase in said.entry.phrases for word in phrase}
    return item.is_word and not item.is_stop and not item.acts and item.stem in spoken


def quoted(said: Filling) -> None:
    """Quoted text: content when something is said, else the parameter that names things, else what is left."""
    for at, item in enumerate(said.items):
        if not said.free(at) or item.kind not in ("quoted", "freetext"):
            continue
        before = said.items[at - 1].lower if at else ""
        if said.entry.capability_says and item.kind == "quoted" and _names_a_place(said, at):
            continue
        content = next((p for p in said.entry.spec.params if p.role == "content" and p.name not in said.params), None)
        rest = [p for p in said.open() if is_plain_text(p) and (is_code(p) or not is_identity(p))]
        titles = [p for p in rest if p.name in ("title", "name", "subject", "summary")]
        order = [*([content] if content else []), *titles, *[p for p in rest if p.required]]
        thing = at > 1 and not said.entry.capability_says and _is_the_thing(said, at - 1)
        if content is not None and (thing or not content.required) and any(p.required for p in titles):
            order = [*titles, *order]
        if before in ("called", "named", "titled") or (content is None and titles):
            order = [*titles, *order]
        elif before in ("in", "into", "to", "from", "the") and item.kind == "quoted" and content is None:
            order = [*[p for p in rest if is_container(p)], *order]
        for param in order:
            value = fits(param, item)
            if value is not None:
                told = before in _TEXTS and (param.role == "content" or before in (param.name, "title", "subject"))
                said.put(param, value, [at - 1, at] if told else [at])
                if isinstance(value, list):
                    _more(said, param, at)
                break
