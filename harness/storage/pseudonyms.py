"""Names such as `amber-falcon` for public boards. Drawn at random: they cannot be traced back."""

from __future__ import annotations

import random
from collections.abc import Collection
from itertools import count

FIRST = tuple(
    """
    agile amber ample azure balmy bold bright brisk bronze calm candid cheery civic clear clever cobalt copper cosmic
    cosy crimson crisp daring deft eager early fair fleet fresh gentle gilded glad golden grand green happy hazel honest
    indigo ivory jade jolly keen kind lively loyal lucid lunar mellow merry mild misty noble olive opal pearl polite
    prime quick quiet rapid silver snowy sunny swift
    """.split()
)
SECOND = tuple(
    """
    acorn alder aspen badger beacon beech birch bison brook canyon cedar cliff clover comet condor coral cove crane
    creek cypress delta dolphin dune eagle elm falcon fern finch fjord forest gannet garnet glacier grove harbour hawk
    heron hill iris island juniper kestrel lagoon lake lark laurel lemur lily linnet lotus lynx maple marten meadow
    meteor moss oak orchid osprey otter panda petrel pine plover
    """.split()
)


def draw(amount: int, taken: Collection[str]) -> list[str]:
    """New names, none of them `taken`; once every pair is, they get a number."""
    drawn: list[str] = []
    for number in count(1):
        free = [name for name in _every(number) if name not in taken]
        drawn += random.SystemRandom().sample(free, min(amount - len(drawn), len(free)))
        if len(drawn) == amount:
            break
    return drawn


def _every(number: int) -> list[str]:
    ending = f"-{number}" if number > 1 else ""
    return [f"{first}-{second}{ending}" for first in FIRST for second in SECOND]
