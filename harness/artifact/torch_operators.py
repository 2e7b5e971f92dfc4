"""The allow-list of ATen operators: what kind of operation each is, and the arguments that each overload takes."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = {
    "conv": "convolution",
    "dense": "addmm mm",
    "matmul": "bmm baddbmm mv dot _scaled_dot_product_flash_attention_for_cpu",
    "max_pool": "max_pool2d_with_indices adaptive_max_pool2d",
    "avg_pool": "avg_pool2d avg_pool3d _adaptive_avg_pool2d adaptive_avg_pool2d",
    "pad": "constant_pad_nd",
    "add": "add add_",
    "softmax": "_softmax _safe_softmax",
    "log_softmax": "_log_softmax",
    "normalization": "native_batch_norm native_layer_norm native_group_norm _fused_rms_norm",
    "embedding": "embedding",
    "activation": """relu relu_ tanh tanh_ sigmoid sigmoid_ gelu gelu_ silu silu_ mish mish_ elu elu_ leaky_relu
        leaky_relu_ hardtanh hardtanh_ hardswish hardswish_ hardsigmoid hardsigmoid_ softplus selu selu_ celu celu_
        threshold log_sigmoid_forward rrelu_with_noise softshrink hardshrink""",
    "identity": "clone detach detach_ alias lift_fresh lift_fresh_copy contiguous _to_copy",
    "reshape": """view _unsafe_view reshape _reshape_alias squeeze squeeze_ unsqueeze unsqueeze_ expand flatten
        unflatten""",
    "transpose": "t transpose transpose_ permute",
    "random": """bernoulli_ bernoulli native_dropout rand rand_like randn randn_like normal_ uniform_
        empty empty_like new_empty zeros zeros_like new_zeros ones ones_like new_ones full full_like new_full
        scalar_tensor arange""",
    "other": """cat stack split split_with_sizes chunk slice select narrow index index_select unbind
        unsafe_split unsafe_chunk affine_grid_generator grid_sampler_2d grid_sampler gather mul mul_
        div div_ sub sub_ rsub neg neg_ abs pow square sqrt rsqrt exp exp_ log log1p reciprocal clamp clamp_
        clamp_min clamp_min_ clamp_max mean sum amax amin max min maximum minimum var std var_mean prod cumsum erf sin
        cos where eq ne lt le gt ge logical_not logical_and logical_or masked_fill masked_fill_ tril triu roll flip
        repeat sign floor ceil round _prelu_kernel glu copy_ fill_ zero_ addcmul addcdiv lerp
        upsample_nearest2d upsample_bilinear2d im2col col2im pixel_shuffle pixel_unshuffle
        reflection_pad2d replication_pad2d linalg_vector_norm _weight_norm_interface _trilinear _cdist_forward
        _euclidean_dist rot90 channel_shuffle native_channel_shuffle max_unpool2d argmax argmin topk tan atan expm1""",
}
"""The allow-list: every ATen operator a graph may call, by the kind of operation it is."""

_SIGNATURES = {
    "1": """relu relu_ tanh tanh_ sigmoid sigmoid_ silu silu_ mish mish_ hardswish hardswish_ hardsigmoid hardsigmoid_
        selu selu_ log_sigmoid_forward detach detach_ alias lift_fresh lift_fresh_copy squeeze squeeze_ t neg neg_
        abs square sqrt rsqrt exp exp_ log log1p reciprocal max min erf sin cos where logical_not sign floor ceil
        round zero_ tan atan expm1""",
    "1 approximate": "gelu gelu_",
    "1 decimals!": "round.decimals",
    "1 dtype": "mean sum prod",
    "1 dtype layout device pin_memory": "rand randn zeros ones scalar_tensor arange",
    "1 dtype layout device pin_memory memory_format": """rand_like randn_like empty.memory_format empty_like
        zeros_like ones_like""",
    "1 dtype layout device pin_memory non_blocking memory_format": "_to_copy",
    "1 generator": "bernoulli",
    "1 generator! dtype layout device pin_memory": "rand.generator randn.generator",
    "1 generator! dtype layout device pin_memory memory_format": "rand_like.generator randn_like.generator",
    "1 memory_format": "clone contiguous",
    "1-2": """leaky_relu leaky_relu_ celu celu_ softshrink hardshrink cat stack unbind.int var std var_mean tril triu
        glu""",
    "1-2 correction keepdim": "var.correction std.correction var_mean.correction",
    "1-2 generator": "bernoulli_.float",
    "1-3": """hardtanh hardtanh_ softplus flatten.using_ints clamp clamp.Tensor clamp_ clamp_.Tensor amax amin rot90
        argmax argmin""",
    "1-3 generator": "normal_ uniform_",
    "1-4": "elu elu_",
    "1-4 dtype": "linalg_vector_norm",
    "1-5": "slice.Tensor",
    "2": """mm bmm mv dot adaptive_max_pool2d _adaptive_avg_pool2d adaptive_avg_pool2d view view.dtype _unsafe_view
        reshape squeeze.dim squeeze.dims squeeze_.dim squeeze_.dims unsqueeze unsqueeze_ permute index.Tensor
        mul.Tensor mul.Scalar mul_.Tensor mul_.Scalar div.Tensor div.Scalar div_.Tensor div_.Scalar
        pow.Tensor_Tensor pow.Tensor_Scalar pow.Scalar clamp_min clamp_min.Tensor clamp_min_ clamp_min_.Tensor
        clamp_max clamp_max.Tensor max.other min.other maximum minimum eq.Tensor eq.Scalar ne.Tensor ne.Scalar
        lt.Tensor lt.Scalar le.Tensor le.Scalar gt.Tensor gt.Scalar ge.Tensor ge.Scalar logical_and logical_or flip
        repeat _prelu_kernel fill_.Scalar fill_.Tensor pixel_shuffle pixel_unshuffle reflection_pad2d
        replication_pad2d _euclidean_dist channel_shuffle native_channel_shuffle""",
    "2 alpha": "add.Tensor add_.Tensor sub.Tensor sub_.Tensor rsub.Tensor",
    "2 dtype": "cumsum",
    "2 dtype layout device pin_memory": "new_empty new_zeros new_ones full arange.start",
    "2 dtype layout device pin_memory memory_format": "full_like",
    "2 generator": "bernoulli_.Tensor bernoulli.p bernoulli.Tensor",
    "2 implicit": "expand",
    "2 rounding_mode!": "div.Tensor_mode div.Scalar_mode div_.Tensor_mode div_.Scalar_mode",
    "2-3": """constant_pad_nd add.Scalar add_.Scalar _safe_softmax split.Tensor split.sizes split split_with_sizes
        chunk unsafe_split.Tensor unsafe_chunk sub.Scalar sub_.Scalar rsub.Scalar max.dim min.dim roll copy_
        _weight_norm_interface""",
    "2-3 dtype": "mean.dim sum.dim_IntList prod.dim_int",
    "2-3 dtype layout device pin_memory": "arange.start_step",
    "2-4": "var.dim std.dim var_mean.dim upsample_nearest2d",
    "2-5": "embedding topk",
    "2-6": "max_pool2d_with_indices rrelu_with_noise",
    "2-7": "avg_pool2d avg_pool3d",
    "3": """mm.dtype bmm.dtype _softmax _log_softmax threshold _reshape_alias unflatten.int transpose.int transpose_
        native_dropout select.int index_select affine_grid_generator where.self where.ScalarOther where.ScalarSelf
        where.Scalar masked_fill.Scalar masked_fill.Tensor masked_fill_.Scalar masked_fill_.Tensor lerp.Scalar
        lerp.Tensor upsample_nearest2d.vec max_unpool2d""",
    "3 beta alpha": "addmm baddbmm",
    "3 dtype layout device pin_memory": "new_full",
    "3 sparse_grad": "gather",
    "3 value": "addcmul addcdiv",
    "3-5": "upsample_bilinear2d",
    "3-5 attn_mask scale": "_scaled_dot_product_flash_attention_for_cpu",
    "4": "_fused_rms_norm narrow narrow.Tensor upsample_bilinear2d.vec _cdist_forward",
    "4 beta alpha": "addmm.dtype baddbmm.dtype",
    "5": "native_layer_norm grid_sampler_2d grid_sampler im2col",
    "6": "col2im",
    "7-8": "_trilinear",
    "8": "native_batch_norm native_group_norm",
    "9": "convolution",
}
"""Overloads by the arguments they take: how many by position, at least and at most, and the names of those that are
given only by keyword; one with `!` is required. An overload without a name is `default`. Overloads that write
their result into a tensor they are given (`out`) are left out."""


@dataclass(frozen=True)
class Signature:
    """What an overload takes: the number of positional arguments, and its keywords."""

    least: int
    most: int
    keywords: frozenset[str]
    required: frozenset[str]


def _signature(spelled: str) -> Signature:
    counts, *keywords = spelled.split()
    least, _, most = counts.partition("-")
    names = frozenset(name.rstrip("!") for name in keywords)
    required = frozenset(name[:-1] for name in keywords if name.endswith("!"))
    return Signature(int(least), int(most or least), names, required)


def _full_name(name: str) -> str:
    return f"aten.{name}" if "." in name else f"aten.{name}.default"


SIGNATURES = {_full_name(name): _signature(spelled) for spelled, names in _SIGNATURES.items() for name in names.split()}
"""The signature of each overload that a graph may call, by its full name: `aten.add.Tensor`."""

KIND_OF = {name: kind for kind, names in KINDS.items() for name in names.split()}
"""The kind of operation, by the operator's name without namespace and overload."""
