"""LeNet-5 as a layer table: the single source of the 61,706 parameters.

The modern reading of LeCun et al. 1998 (figure 2): 28x28 images with padding 2, full connections in C3, plain pooling,
and a linear output layer. Layers have the paper's names.
"""

from __future__ import annotations

from harness.model.layers import conv2d, dense, pool
from harness.records.graph import Window
from harness.records.reference import Reference

_PADDED = Window(kernel=(5, 5), padding=(2, 2, 2, 2))
_VALID = Window(kernel=(5, 5))
_HALVE = Window(kernel=(2, 2), stride=(2, 2))

_LAYERS = (
    conv2d("C1", (1, 28, 28), 6, _PADDED),
    pool("max_pool", "S2", (6, 28, 28), _HALVE),
    conv2d("C3", (6, 14, 14), 16, _VALID),
    pool("max_pool", "S4", (16, 10, 10), _HALVE),
    dense("C5", (400,), 120),
    dense("F6", (120,), 84),
    dense("OUTPUT", (84,), 10),
)

_SPARSE = "C3 looks like the sparse connection table of 1998 (1,516): connect all 6 maps to all 16 (2,416)"
LENET5 = Reference("lenet5", "LeNet-5", _LAYERS, totals={60_806: _SPARSE})
