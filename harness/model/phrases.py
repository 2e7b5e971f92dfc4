"""Texts about counts, in English and in Chinese: templates by name. Pure.

Chinese words are those of a Chinese course: 卷积核 is a filter, 神经元 a unit of a dense layer, 特征图 a map.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Language(StrEnum):
    """A language that `harness explain` speaks."""

    ENGLISH = "en"
    CHINESE = "zh"


@dataclass(frozen=True)
class Phrase:
    """A sentence before translation. Values are numbers, plain text, or other phrases."""

    name: str
    values: dict[str, object] = field(default_factory=dict)

    def told(self, language: Language) -> str:
        """The sentence in a language."""
        values = {
            key: value.told(language) if isinstance(value, Phrase) else value for key, value in self.values.items()
        }
        return TEMPLATES[language][self.name].format(**values)


def phrase(name: str, /, **values: object) -> Phrase:
    """`phrase("one_unit", units=120)`."""
    return Phrase(name, values)


def kind(name: str, language: Language) -> str:
    """A kind of layer: `max pooling`."""
    return KINDS[language].get(name, name.replace("_", " "))


KINDS: dict[Language, dict[str, str]] = {
    Language.ENGLISH: {"conv2d": "convolution", "max_pool": "max pooling", "avg_pool": "average pooling"},
    Language.CHINESE: {
        "activation": "激活函数",
        "add": "相加",
        "avg_pool": "平均池化层",
        "cat": "拼接",
        "conv2d": "卷积层",
        "convolution": "卷积层",
        "dense": "全连接层",
        "embedding": "嵌入层",
        "expand": "扩展",
        "flatten": "展平",
        "gather": "按索引取值",
        "grid_sample": "网格采样",
        "matmul": "矩阵乘法",
        "max": "最大值",
        "max_pool": "最大池化层",
        "mean": "平均值",
        "min": "最小值",
        "norm": "范数",
        "normalization": "归一化层",
        "pad": "填充",
        "reshape": "改变形状",
        "resize": "缩放",
        "slice": "切片",
        "softmax": "Softmax",
        "split": "拆分",
        "stack": "堆叠",
        "sum": "求和",
        "tile": "平铺",
        "transpose": "转置",
        "transposed_convolution": "转置卷积层",
    },
}

_ENGLISH = {
    "filters": "filters",
    "units": "units",
    "constants": "{constants:,} of these are constants: numbers held outside the parameters",
    "frozen": "frozen numbers are left out: {frozen:,} parameters that are not trained",
    "tied": "its weights are those of another layer and counted there",
    "statistics": "the running mean and variance are counted, but they are statistics, not parameters",
    "outputs": "these are its outputs, {shape}",
    "macs": "these are its multiply-accumulates for one image",
    "macs_of_all": "these are the multiply-accumulates for one image",
    "bias_left_out": "the bias is left out: one more number for each of the {outputs} {noun}",
    "bias_once": "the bias is counted once: each of the {outputs} {noun} has its own",
    "no_bias": "a bias is counted, but this layer has none",
    "channels": "the input channels are left out: a filter has {kernel} weights for each of the {channels} channels",
    "and_bias": "{reason}, and a bias",
    "one_filter": "this is for one filter, but there are {filters}",
    "one_filter_without_bias": "this is for one filter without its bias, but there are {filters}",
    "groups": "a filter sees {channels} of the {every} channels, because there are {groups} groups",
    "one_side": "a filter has {kernel} weights per channel, not {height}",
    "swapped": "filters and input channels are swapped: {filters} filters on {channels}",
    "sparse": "this is the sparse connection table of 1998: here every filter sees all 6 maps",
    "places": "each weight is counted at each of the {places} positions, but it is the same weight",
    "bias_of_inputs": "the bias is counted for each of the {inputs} inputs: each of the {units} units has one",
    "added": "inputs and units are added: every unit has a weight for every input",
    "one_unit": "this is for one unit, but there are {units}",
    "inputs": "these are its inputs",
    "other_maps": "right for {thought} = {inputs:,} inputs, but there are {maps} = {there:,}: {hint}, {sum}",
    "map_of_one": "each map has more than one number",
    "pooled": "a preceding pooling makes the maps smaller",
    "without_padding": "that is without padding in a preceding convolution",
    "with_padding": "that is with padding in a preceding convolution",
    "other_outputs": "right for {thought:,} {noun}, but there are {there:,}",
    "other_inputs": "right for {thought:,} inputs, but there are {there:,}",
    "other_channels": "right for {thought:,} input channels, but there are {there:,}",
    "all_biases": "all biases are left out: {biases:,} numbers",
    "layer_left_out": "{layer} is left out, {formula}",
    "as_if": "as if {layer} had {thought:,}: {reason}",
    "fewer": "{difference:,} fewer than {right:,}",
    "more": "{difference:,} more than {right:,}",
    "no_multiple": "{apart}, and not a multiple of {outputs}: {outputs} {noun} of one size cannot have that many",
    "follows": "it follows from the wrong layer claims: fix those and add again",
    "no_number": "{stated} instead of a whole number",
    "ambiguous": "more than one layer has this name: {names}",
    "unknown": "no layer has this name; {hint}",
    "did_you_mean": "did you mean {name}?",
    "those_there_are": "those with parameters are {names}",
    "no_parameters": "a layer of the kind {kind} has no parameters of its own",
    "wrong_sum": "{sum} is {value:,}, not {stated:,}",
    "too_many": "there are only {layers} layers with parameters",
    "no_such_count": "no layer has {numbers} parameters",
    "two_numbers": "{first:,} or {second:,}",
    "layer": "layer",
    "kind": "kind",
    "output": "output",
    "output_spelled": "output spelled out",
    "parameters": "parameters",
    "spelled": "count spelled out",
    "macs_head": "MACs",
    "macs_spelled": "multiply-accumulates spelled out",
    "total": "total",
    "claim": "claim",
    "you_said": "you said",
    "it_is": "correct",
    "why": "likely mistake",
    "stride": "stride {value}",
    "padding": "padding {value}",
    "dilation": "dilation {value}",
    "comma": ", ",
    "semicolon": "; ",
    "frozen_part": "{count:,} frozen",
    "constant_part": "{count:,} constant",
    "rule_conv2d": "Convolution: (kernel height * kernel width * input channels + 1) * filters; the 1 is the bias.",
    "rule_dense": "Dense: (inputs + 1) * units; the 1 is the bias.",
    "rule_pool": "Pooling has no parameters: nothing in it is learned.",
    "rule_side": "Output size: (input size + padding on both sides - kernel) / stride + 1, rounded down.",
    "rule_macs": "MACs: multiply-accumulates for one image, each weight counted once per position; no biases.",
    "all_right": "All {count} claims are right.",
    "some_wrong": "{wrong} of {count} claims are wrong.",
    "not_explained": "There is no layer table: the model could not be built.",
}
_CHINESE = {
    "filters": "卷积核",
    "units": "神经元",
    "constants": "其中 {constants:,} 个是常量，不属于参数",
    "frozen": "漏算了冻结的参数：有 {frozen:,} 个参数不参与训练",
    "tied": "它与另一层共用权重，已经在那一层计入",
    "statistics": "把滑动均值和滑动方差也算进去了，它们是统计量，不是参数",
    "outputs": "这是它的输出个数，{shape}",
    "macs": "这是它处理一张图像的乘加次数",
    "macs_of_all": "这是处理一张图像的乘加次数",
    "bias_left_out": "漏算了偏置：{outputs} 个{noun}各有一个偏置",
    "bias_once": "偏置只算了一个：{outputs} 个{noun}各有一个偏置",
    "no_bias": "多算了偏置：这一层没有偏置",
    "channels": "漏乘了输入通道数：一个卷积核在 {channels} 个输入通道上各有 {kernel} 个权重",
    "and_bias": "{reason}；偏置也漏了",
    "one_filter": "这只是一个卷积核的参数个数，共有 {filters} 个卷积核",
    "one_filter_without_bias": "这只是一个卷积核的权重个数，还没有算偏置，而且共有 {filters} 个卷积核",
    "groups": "一个卷积核只连接 {every} 个输入通道中的 {channels} 个，因为通道分成了 {groups} 组",
    "one_side": "一个卷积核在每个通道上有 {kernel} 个权重，而不是 {height} 个",
    "swapped": "把卷积核个数和输入通道数弄反了：应是 {channels} 个输入通道、{filters} 个卷积核",
    "sparse": "这是 1998 年原论文稀疏连接表的参数个数：这里每个卷积核都连接全部 6 个特征图",
    "places": "在 {places} 个位置上重复计算了权重，而各个位置用的是同一组权重",
    "bias_of_inputs": "给 {inputs} 个输入各算了一个偏置：应当是 {units} 个神经元各有一个偏置",
    "added": "把输入个数和神经元个数相加了：每个神经元对每个输入都有一个权重，应当相乘",
    "one_unit": "这只是一个神经元的参数个数，共有 {units} 个神经元",
    "inputs": "这是它的输入个数",
    "other_maps": "输入为 {thought} = {inputs:,} 个时才是这个数，而这里的输入是 {maps} = {there:,} 个：{hint}，{sum}",
    "map_of_one": "每个特征图不止一个数",
    "pooled": "前面的池化层会把特征图缩小",
    "without_padding": "那是前面的卷积不加填充（padding）时的情形",
    "with_padding": "那是前面的卷积加填充（padding）时的情形",
    "other_outputs": "有 {thought:,} 个{noun}时才是这个数，而这里有 {there:,} 个",
    "other_inputs": "有 {thought:,} 个输入时才是这个数，而这里有 {there:,} 个",
    "other_channels": "有 {thought:,} 个输入通道时才是这个数，而这里有 {there:,} 个",
    "all_biases": "漏算了所有偏置，共 {biases:,} 个",
    "layer_left_out": "漏算了 {layer}，{formula}",
    "as_if": "相当于把 {layer} 算成了 {thought:,} 个：{reason}",
    "fewer": "比 {right:,} 少 {difference:,}",
    "more": "比 {right:,} 多 {difference:,}",
    "no_multiple": "{apart}，而且不是 {outputs} 的倍数：{outputs} 个同样大小的{noun}合计不可能是这个数",
    "follows": "这是前面各层的错误带来的：改正各层，再重新相加",
    "no_number": "这里应当是整数，却是 {stated}",
    "ambiguous": "有几层都叫这个名字：{names}",
    "unknown": "没有叫这个名字的层；{hint}",
    "did_you_mean": "是不是 {name}？",
    "those_there_are": "有参数的层是 {names}",
    "no_parameters": "{kind}本身没有参数",
    "wrong_sum": "{sum} 等于 {value:,}，不等于 {stated:,}",
    "too_many": "有参数的层只有 {layers} 层",
    "no_such_count": "没有哪一层有 {numbers} 个参数",
    "two_numbers": "{first:,} 或 {second:,}",
    "layer": "层",
    "kind": "类型",
    "output": "输出",
    "output_spelled": "输出边长的算式",
    "parameters": "参数",
    "spelled": "参数的算式",
    "macs_head": "乘加次数",
    "macs_spelled": "乘加次数的算式",
    "total": "合计",
    "claim": "说法",
    "you_said": "所说",
    "it_is": "应为",
    "why": "可能的原因",
    "stride": "步长 {value}",
    "padding": "填充 {value}",
    "dilation": "膨胀率 {value}",
    "comma": "，",
    "semicolon": "；",
    "frozen_part": "冻结 {count:,}",
    "constant_part": "常量 {count:,}",
    "rule_conv2d": "卷积层：（卷积核高 * 卷积核宽 * 输入通道数 + 1）* 卷积核个数，其中 1 是偏置。",
    "rule_dense": "全连接层：（输入个数 + 1）* 神经元个数，其中 1 是偏置。",
    "rule_pool": "池化层没有参数：它没有要学习的东西。",
    "rule_side": "输出边长：（输入边长 + 两侧填充 - 卷积核边长）/ 步长 + 1，向下取整。",
    "rule_macs": "乘加次数：处理一张图像时，每个权重乘以它用到的位置数，偏置不计。",
    "all_right": "{count} 个说法都对。",
    "some_wrong": "{count} 个说法中有 {wrong} 个不对。",
    "not_explained": "没有层表：模型没能构建出来，原因如下（英文）。",
}
TEMPLATES = {Language.ENGLISH: _ENGLISH, Language.CHINESE: _CHINESE}
