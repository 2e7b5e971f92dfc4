"""Operators of the frameworks that the audit once took and that no rule translates, by the reason."""

from __future__ import annotations

from collections.abc import Mapping

_NO_GRADIENT = "a step without a gradient: it rounds, tests for equality, finds places or combines masks"
_UNUSED = "no model needed it: a rule can be written when one does"

LEFT_OUT: Mapping[str, Mapping[str, str]] = {
    "ATen": {
        "PyTorch replaces it with other operators before a graph is recorded": """adaptive_avg_pool2d chunk contiguous
            flatten.using_ints grid_sampler max.other min.other narrow narrow.Tensor native_channel_shuffle reshape
            split split.sizes std std.dim unflatten.int unsafe_chunk upsample_bilinear2d.vec upsample_nearest2d.vec
            var var.dim var_mean var_mean.dim where where.Scalar where.ScalarOther where.ScalarSelf _fused_rms_norm""",
        "reads memory as numbers of another type, or computes in another type": """view.dtype mm.dtype bmm.dtype
            addmm.dtype baddbmm.dtype""",
        "reads memory by distances, or memory that nothing was written to": "_reshape_alias empty.memory_format",
        "draws from a generator of its own, or with probabilities that are computed": """rand.generator
            rand_like.generator randn.generator randn_like.generator bernoulli bernoulli.Tensor bernoulli_.Tensor""",
        _NO_GRADIENT: """argmax argmin topk floor ceil round round.decimals sign eq.Scalar eq.Tensor ne.Scalar ne.Tensor
            logical_and logical_or logical_not div.Scalar_mode div.Tensor_mode div_.Scalar_mode div_.Tensor_mode""",
        "needs the places of what was pooled, which the language does not keep": "max_unpool2d",
        _UNUSED: "atan channel_shuffle col2im cumsum dot gather prod prod.dim_int tan",
    },
    "TensorFlow": {
        "the older form of another operator, which TensorFlow no longer records": "Concat Select",
        "indices or sizes that are computed": "BroadcastArgs GatherNd",
        "draws from a distribution that the language does not have": """StatelessRandomUniformIntV2
            StatelessTruncatedNormalV2 TruncatedNormal""",
        _NO_GRADIENT: """All Any ArgMax ArgMin Ceil Floor IsFinite IsNan LogicalAnd LogicalNot LogicalOr OneHot Rint
            Round Sign TopKV2""",
        _UNUSED: """Acos AdjustContrastv2 Asin Atan Atan2 Cosh Cumsum DivNoNan ExtractImagePatches L2Loss MatrixBandPart
            MatrixDiagV3 ResizeBicubic Roll Sinh""",
    },
}
"""For PyTorch's ATen and for TensorFlow the names by the reason. An ATen operator is `name.overload`; without one it is
the default overload."""
