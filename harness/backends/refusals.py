"""Messages for the usual causes of a forward pass that does not return one row for each image."""

from __future__ import annotations

import re

from harness.records.errors import SubmissionError

FIXED_BATCHES = (1, 4, 8, 10, 16, 20, 25, 32, 50, 64, 100, 128, 200, 256, 500, 512, 1000)
"""Commonly hard-coded batch sizes."""
_CHANNELS = re.compile(r"weight of size \[\d+, (\d+), \d+, \d+\], expected input\[.*?\] to have \1 channels")


def several_outputs(count: int, kind: str) -> SubmissionError:
    """A forward pass that returns more than the classes: the features too, or the probabilities in addition to the
    logits."""
    return SubmissionError(
        "forward",
        "one tensor with ten numbers for each image",
        f"a {kind} of {count}",
        "return only the logits: put anything else in an attribute or another method",
    )


_WITHOUT_BATCH = "write x.size(0) or -1 in place of the batch size: x.view(x.size(0), -1)"


def fixed_batch(size: int, try_: str = _WITHOUT_BATCH) -> SubmissionError:
    """A forward pass with a hard-coded batch size."""
    return SubmissionError(
        "forward",
        "a forward pass for any number of images",
        f"one that works only for batches of {size} images",
        try_,
    )


def more_channels(error: BaseException) -> SubmissionError | None:
    """A first layer for color images; None for any other error."""
    match = _CHANNELS.search(str(error)) if isinstance(error, RuntimeError) else None
    if match is None or match[1] == "1":
        return None
    found = f"a convolution that takes {match[1]} channels"
    return SubmissionError(
        "forward", "a model of images with one channel", found, "use in_channels=1 in the first layer"
    )
