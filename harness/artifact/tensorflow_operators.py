"""The allow-list of TensorFlow operators: what kind of operation each is, and the inputs and attributes it takes."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = {
    "conv2d": "Conv2D",
    "convolution": "Conv3D",
    "depthwise_conv2d": "DepthwiseConv2dNative",
    "transposed_convolution": "Conv2DBackpropInput",
    "matmul": "MatMul BatchMatMulV2 Einsum",
    "max_pool": "MaxPool",
    "avg_pool": "AvgPool",
    "pad": "Pad PadV2 MirrorPad",
    "add": "Add AddV2 BiasAdd",
    "softmax": "Softmax",
    "log_softmax": "LogSoftmax",
    "normalization": "FusedBatchNormV3 LRN",
    "embedding": "ResourceGather",
    "activation": "Relu Relu6 Elu Selu LeakyRelu Softplus Softsign Tanh Sigmoid",
    "identity": "ReadVariableOp Cast StopGradient",
    "reshape": "Reshape Squeeze ExpandDims BroadcastTo",
    "transpose": "Transpose",
    "shape": "Shape Size Rank",
    "random": """StatelessRandomUniformV2 StatelessRandomNormalV2 StatelessTruncatedNormalV2 StatelessRandomUniformIntV2
        StatelessRandomGetKeyCounter StatelessRandomGetAlg RandomUniform RandomStandardNormal TruncatedNormal
        Fill ZerosLike OnesLike Range""",
    "update": "AssignVariableOp AssignAddVariableOp AssignSubVariableOp",
    "other": """AddN Sub Mul RealDiv Div DivNoNan Neg Abs Pow Square SquaredDifference Sqrt Rsqrt Exp Expm1 Log Log1p
        Reciprocal Inv Maximum Minimum ClipByValue Sum Mean Max Min Prod All Any EuclideanNorm Cumsum Erf Erfc Sin Cos
        Tan Asin Acos Atan Atan2 Sinh Cosh Sign Floor Ceil Round Rint FloorDiv FloorMod Select SelectV2 Greater
        GreaterEqual Less LessEqual Equal NotEqual LogicalAnd LogicalOr LogicalNot IsFinite IsNan ArgMax ArgMin Concat
        ConcatV2 Split SplitV Pack Unpack StridedSlice Slice GatherV2 GatherNd ReverseV2 Roll Tile OneHot MatrixBandPart
        L2Loss TopKV2 SpaceToBatchND BatchToSpaceND SpaceToDepth DepthToSpace ExtractImagePatches BroadcastArgs
        MatrixDiagV3 ResizeBilinear ResizeNearestNeighbor ResizeBicubic ImageProjectiveTransformV3 AdjustContrastv2""",
}

_SIGNATURES = {
    "0": "StatelessRandomGetAlg",
    "1": """Softmax LogSoftmax Relu Relu6 Elu Selu Softplus Softsign Tanh Sigmoid StopGradient Rank
        StatelessRandomGetKeyCounter ZerosLike OnesLike Neg Abs Square Sqrt Rsqrt Exp Expm1 Log Log1p Reciprocal Inv
        Erf Erfc Sin Cos Tan Asin Acos Atan Sinh Cosh Sign Floor Ceil Round Rint LogicalNot IsFinite IsNan L2Loss""",
    "1 DstT! Truncate": "Cast",
    "1 alpha": "LeakyRelu",
    "1 axis": "Squeeze",
    "1 block_size! data_format": "SpaceToDepth DepthToSpace",
    "1 depth_radius bias alpha beta": "LRN",
    "1 dtype!": "ReadVariableOp RandomUniform RandomStandardNormal TruncatedNormal",
    "1 ksize! strides! padding! data_format": "AvgPool",
    "1 ksize! strides! padding! explicit_paddings data_format": "MaxPool",
    "1 ksizes! strides! rates! padding!": "ExtractImagePatches",
    "1 num! axis": "Unpack",
    "1 out_type": "Shape Size",
    "N": "AddN",
    "N axis": "Pack",
    "N equation!": "Einsum",
    "11": """Pad Add AddV2 Reshape ExpandDims BroadcastTo Transpose Fill AssignAddVariableOp AssignSubVariableOp Sub
        Mul RealDiv Div DivNoNan Pow SquaredDifference Maximum Minimum Atan2 FloorDiv FloorMod Greater GreaterEqual
        Less LessEqual LogicalAnd LogicalOr ReverseV2 Tile BroadcastArgs AdjustContrastv2""",
    "11 adj_x adj_y grad_x grad_y": "BatchMatMulV2",
    "11 align_corners half_pixel_centers": "ResizeBilinear ResizeNearestNeighbor ResizeBicubic",
    "11 bad_indices_policy": "GatherNd",
    "11 data_format": "BiasAdd",
    "11 dtype! batch_dims validate_indices": "ResourceGather",
    "11 exclusive reverse": "Cumsum",
    "11 incompatible_shape_error": "Equal NotEqual",
    "11 keep_dims": "Sum Mean Max Min Prod All Any EuclideanNorm",
    "11 mode!": "MirrorPad",
    "11 num_split!": "Split",
    "11 output_type": "ArgMax ArgMin",
    "11 sorted index_type": "TopKV2",
    "11 strides! padding! data_format dilations": "Conv3D",
    "11 strides! padding! explicit_paddings data_format dilations": "DepthwiseConv2dNative",
    "11 strides! padding! use_cudnn_on_gpu explicit_paddings data_format dilations": "Conv2D",
    "11 transpose_a transpose_b grad_a grad_b": "MatMul",
    "11 validate_shape": "AssignVariableOp",
    "1N": "Concat",
    "N1": "ConcatV2",
    "111": "PadV2 Range ClipByValue Select SelectV2 Slice Roll MatrixBandPart SpaceToBatchND BatchToSpaceND",
    "111 batch_dims": "GatherV2",
    "111 num_split!": "SplitV",
    "111 strides! padding! use_cudnn_on_gpu explicit_paddings data_format dilations": "Conv2DBackpropInput",
    "1111 axis": "OneHot",
    "1111 begin_mask end_mask ellipsis_mask new_axis_mask shrink_axis_mask": "StridedSlice",
    "1111 dtype": "StatelessRandomUniformV2 StatelessRandomNormalV2 StatelessTruncatedNormalV2",
    "1111 interpolation! fill_mode": "ImageProjectiveTransformV3",
    "11111 align": "MatrixDiagV3",
    "11111 epsilon exponential_avg_factor data_format is_training": "FusedBatchNormV3",
    "111111": "StatelessRandomUniformIntV2",
}
"""Operators by what they take: a digit for each input, 1 for one tensor and N for a list of them, and the names of the
attributes; one with `!` is required. Attributes that follow from the inputs, and seeds, are left out."""


@dataclass(frozen=True)
class Signature:
    """What an operator takes: for each input whether it is a list, and its attributes."""

    inputs: tuple[bool, ...]
    attributes: frozenset[str]
    required: frozenset[str]


def _signature(spelled: str) -> Signature:
    inputs, *attributes = spelled.split()
    names = frozenset(name.rstrip("!") for name in attributes)
    required = frozenset(name[:-1] for name in attributes if name.endswith("!"))
    return Signature(tuple(letter == "N" for letter in inputs.strip("0")), names, required)


SIGNATURES = {name: _signature(spelled) for spelled, names in _SIGNATURES.items() for name in names.split()}
"""The signature of each operator that a graph may call."""

KIND_OF = {name: kind for kind, names in KINDS.items() for name in names.split()}
"""The kind of operation, by the operator's name."""
