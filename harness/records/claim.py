"""What a submission says about its own parameters."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Statement:
    """A submission's own PARAMETERS, audited. An entry has a name and a whole number, or what stands in its place in
    words; `problem` says what is wrong with all of it, such as `a list`, and then there are no entries."""

    entries: tuple[tuple[str, int | str], ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Claim:
    """What a student says about the parameters of one layer, or of all, beside what is right.

    `claimed` is None where no whole number was stated, `right` where there is no such layer. `formula` spells the
    right number out; `reason` says why somebody may have thought otherwise, where that can be told. `covers` are
    the positions of the layers it is about, none for a claim about all of them.
    """

    name: str
    claimed: int | None
    right: int | None
    formula: str = ""
    reason: str = ""
    covers: tuple[int, ...] = ()

    @property
    def is_right(self) -> bool:
        """Whether the stated number is the one that the model has."""
        return self.claimed is not None and self.claimed == self.right
