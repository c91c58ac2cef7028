"""What has the form of a secret: keys of services, passwords as people write them.

Knows: prefixes of issued keys. In: text. Out: where a secret stands. Never: keeps, checks or shows one.
"""

from __future__ import annotations

import re
from typing import Final

SECRET: Final = re.compile(
    r"(?:xox[abposr]-|xapp-|[sr]k_(?:live|test)_|whsec_|gh[pousr]_|github_pat_|glpat-|sk-[A-Za-z0-9_\-]{16}|AKIA[0-9A-Z]{12}"
    r"|AIza[0-9A-Za-z_\-]{20}|eyJ[A-Za-z0-9_\-]{12}|SG\.[A-Za-z0-9_\-]{12})[A-Za-z0-9_\-.]*"
    r"|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----|[Bb]earer\s{1,4}[A-Za-z0-9_\-.]{16,}|://[^/\s:@]{1,200}:[^/\s@]{1,200}@"
)
_LEAST: Final = 4


def hidden(word: str) -> bool:
    """`hunter2`, `Tr0ub4dor&3`, `4411`: what people write where a password stands, never a plain word."""
    return len(word) >= _LEAST and any(c.isdigit() for c in word) and not word.endswith(("st", "nd", "rd", "th"))
