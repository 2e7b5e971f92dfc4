"""What a submission says about its own parameters."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Statement:
    """A submission's own PARAMETERS, audited. An entry has a name and a whole number, or a description of what is there
    instead; `problem` says what is wrong with all of it, such as `a list`, and then there are no entries."""

    entries: tuple[tuple[str, int | str], ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Claim:
    """What a student claims about the parameters of one layer, or of all, and the correct count.

    `claimed` is None where no whole number was stated, `right` where there is no such layer. `formula` spells out the
    correct number; `reason` is the likely mistake, if it is recognized. `covers` are the positions of the layers it is
    about, none for a claim about all of them.
    """

    name: str
    claimed: int | None
    right: int | None
    formula: str = ""
    reason: str = ""
    covers: tuple[int, ...] = ()

    @property
    def is_right(self) -> bool:
        """Whether the stated number is correct."""
        return self.claimed is not None and self.claimed == self.right
