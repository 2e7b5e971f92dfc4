"""Random raw PyTorch graphs, made from the schemas of the operators that have rules: valid calls, and damaged ones.

Nothing of PyTorch is imported. A graph is a function of its seed.
"""

import json
from copy import deepcopy
from random import Random

from harness.artifact.torch.translator import rules, translate
from harness.records.errors import ArtifactError
from harness.records.graph import Tensor, TensorKind

INPUT = (2, 4, 4)
_N = {"batch": [1, 0]}
_SHAPES = {
    "t0": ((4,), "F32"),
    "t1": ((2, 4, 4), "F32"),
    "t2": ((4, 4), "F32"),
    "t3": ((), "F32"),
    "t4": ((3, 2, 2, 2), "F32"),
    "t5": ((2,), "I64"),
    "t6": ((4,), "BOOL"),
    "t7": ((2,), "F32"),
    "t8": ((2,), "F32"),
    "t9": ((4, 4), "U8"),
    "t10": ((), "I64"),
    "t11": ((3,), "F32"),
    "t12": ((2, 3, 2, 2), "F32"),
    "t13": ((16, 5), "F32"),
    "t14": ((5,), "F32"),
    "t15": ((3, 1, 1, 1), "F32"),
}
_TRAINED = ("t1", "t2", "t4", "t12", "t13", "t14", "t15")
TENSORS = {
    name: Tensor(name, TensorKind.PARAMETER if name in _TRAINED else TensorKind.BUFFER, name in _TRAINED, shape, dtype)
    for name, (shape, dtype) in _SHAPES.items()
}
_NUMBERS = [0.5, 2, -1.0, 1, 0, 3.0, 0.25, -2, 1.5, {"float": "-inf"}]
_HOSTILE = [
    *(-1, 0, 1, 2, 3, 1 << 31, 1 << 62, -(1 << 63), 1 << 64, 10**400, 0.5, -0.0, 1e308, -1e308, 5e-324, None, True, False),
    *([], {}, [[]], "", "a", "none", "\ud800", "x" * 99, [0] * 300, {"a": {}}, {"batch": [1]}, {"batch": [1 << 40, 1]}),
    *({"batch": [1, -1]}, {"batch": [2, 0]}, {"batch": [-1, 3]}, {"float": "nan"}, {"float": []}, {"dtype": []}, {"input": 1}),
    *({"dtype": "float16"}, {"dtype": "int64"}, {"tensor": "t99"}, {"tensor": []}, {"node": [0, 0]}, {"node": [0, 7]}),
    *({"node": [0, 1 << 70]}, {"node": [-1, 0]}, {"node": [1, 0]}, {"node": [2, 0], "tensor": "t0"}, {"node": "0"}),
]  # fmt: skip


def accepted(nodes, output):
    """The translation of these nodes, or None."""
    mode = json.loads(json.dumps({"nodes": nodes, "output": output}))
    try:
        return translate(mode, TENSORS, INPUT, is_training=True)
    except ArtifactError:
        return None


class Maker:
    """A graph that grows by calls that are accepted."""

    def __init__(self, seed):
        self.random, self.nodes, self.shapes = Random(seed), [], [("images", (_N, *INPUT))]

    def grow(self, length, tries=40):
        for _ in range(length * tries):
            call = self._template() if self.random.random() < 0.5 else self._call()
            place = {"node": [len(self.nodes), 0]}
            if call and accepted([*self.nodes, call], {"input": 0}):
                self.nodes.append(call)
                found = accepted(self.nodes, place)
                self.shapes.append((place, found and self._shape(found.graph)))
            if len(self.nodes) == length:
                break
        return self

    @property
    def output(self):
        """The last result that is numbers."""
        return next((place for place, shape in reversed(self.shapes[1:]) if shape is not None), {"input": 0})

    def _shape(self, graph):
        shape = graph.values[graph.output].shape
        return tuple(d if isinstance(d, int) else {"batch": [d.images, d.more]} for d in shape)

    def _like(self, fits=lambda shape: True):
        """A recent value whose shape is suitable, or None."""
        known = [
            (place, shape) for place, shape in self.shapes[-5:] + self.shapes[:1] if shape is not None and fits(shape)
        ]
        if not known:
            return None
        place, _ = self.random.choice(known)
        return {"input": 0} if place == "images" else place

    def _call(self):
        schema = self.random.choice(list(rules().values())).schema
        args, keywords, first = [], {}, None
        for parameter in schema.parameters:
            value = self._argument(parameter, first)
            if not parameter.is_keyword:
                args.append(value)
            elif self.random.random() < 0.3:
                keywords[parameter.name] = value
            if first is None and parameter.type == "Tensor":
                first = value
        return {"op": schema.name, "args": args, "kwargs": keywords}

    def _argument(self, parameter, first):
        random, kind, name = self.random, parameter.type, parameter.name
        if kind.endswith("?") and random.random() < 0.5:
            return None
        kind = kind.rstrip("?")
        if kind == "Tensor":
            return random.choice(_NUMBERS) if name == "other" and random.random() < 0.3 else self._tensor()
        if kind.endswith("]"):
            return self._list(kind, name, first)
        values = {
            "int": [0, 1, 1, 2, 3, -1, -2, 4],
            "SymInt": [0, 1, 2, 3, -1, 1 << 62, _N, {"batch": [1, -1]}],
            "Scalar": _NUMBERS,
            "float": [0.5, 0.1, 1e-5, 1.0, 0.0, 2.0],
            "bool": [True, False],
            "str": ["none", "tanh"],
            "ScalarType": [{"dtype": "float32"}, {"dtype": "float32"}, {"dtype": "int64"}, {"dtype": "bool"}],
        }
        return random.choice(values.get(kind, [None]))

    def _tensor(self):
        if self.random.random() < 0.2:
            return {"tensor": self.random.choice(list(TENSORS))}
        if self.random.random() < 0.2 and self.nodes:
            return {"node": [self.random.randrange(len(self.nodes)), self.random.choice([0, 0, 1, 2])]}
        return self._like()

    def _list(self, kind, name, first):
        random = self.random
        if kind.startswith("Tensor"):
            return random.choice([[self._tensor() for _ in range(random.choice([1, 2, 3]))], [None, {"tensor": "t5"}]])
        shape = next((list(s) for place, s in self.shapes if place == first and s), [_N, *INPUT])
        if name in ("size", "normalized_shape", "repeats") and random.random() < 0.8:
            return random.choice([shape, [1, *shape], shape[1:], shape[-1:], [*shape[:1], 2, 2, 8], [*shape[:1], 32]])
        if name == "dims" and random.random() < 0.7:
            return random.sample(range(len(shape)), len(shape))
        if name == "split_sizes":
            return random.choice([[1, 3], [2, 2], [1, 1], [{"batch": [1, -1]}, 1]])
        length = kind[:-1].partition("[")[2]
        return [random.choice([0, 1, 1, 2, -1, 3]) for _ in range(int(length or random.choice([1, 2, 2, 3, 4])))]

    def _template(self):
        """A call that is likely to be valid, of an operator that seldom is by chance."""
        one_of, like = self.random.choice, self._like
        images, rows = (lambda s: len(s) == 4 and s[1] == 2), (lambda s: len(s) == 3 and s[-1] == 4)
        window = [[one_of([1, 2, 3]), 2], one_of([[], [1], [2, 1]]), [one_of([0, 0, 1])]]
        bias, weight = one_of([None, {"tensor": "t11"}]), one_of([None, {"tensor": "t7"}])
        t = lambda number: {"tensor": f"t{number}"}  # noqa: E731
        op, *args = one_of(
            [
                ("view.default", like(images), [_N, one_of([16, 32])]),
                ("view.default", like(images), one_of([[{"batch": [2, 0]}, 4, 4], [_N, 8, 4], [1, {"batch": [2, 0]}, 4, 4]])),
                ("convolution.default", like(images), t(4), bias, [one_of([1, 2])], [one_of([0, 1])], [1], False, [0], 1),
                ("convolution.default", like(images), t(12), bias, [2], [one_of([0, 1])], [1], True, [one_of([0, 1])], 1),
                ("max_pool2d_with_indices.default", like(), *window, [one_of([1, 1, 2])], one_of([True, False])),
                ("avg_pool2d.default", like(), *window, one_of([True, False]), one_of([True, False]), None),
                ("_adaptive_avg_pool2d.default", like(), [one_of([1, 2, 3]), one_of([1, 3])]),
                ("adaptive_max_pool2d.default", like(), [one_of([1, 2, 3]), one_of([1, 3])]),
                ("native_batch_norm.default", like(images), weight, t(8), t(7), t(8), one_of([True, False]), 0.1, 1e-5),
                ("native_batch_norm.default", like(images), weight, None, None, None, True, 0.1, 1e-5),
                ("native_batch_norm.default", like(lambda s: s[:1] == (1,)), None, None, None, None, True, 0.1, 1e-5),
                ("native_group_norm.default", like(images), weight, t(8), _N, 2, 16, one_of([1, 2]), 1e-5),
                ("native_layer_norm.default", like(rows), [4], one_of([None, t(0)]), t(0), 1e-5),
                ("addmm.default", t(14), like(lambda s: s[1:] == (16,)), t(13)),
                ("mm.default", t(2), like(lambda s: len(s) == 2 and s[0] == 4)),
                ("bmm.default", like(rows), like(rows)),
                ("_cdist_forward.default", like(rows), like(rows), one_of([1.0, 2.0]), None),
                ("im2col.default", like(images), [one_of([1, 2, 3]), 2], [one_of([1, 2]), 1], [one_of([0, 1])], [1]),
                ("affine_grid_generator.default", like(lambda s: s[1:] == (2, 3)), [_N, 2, 3, 5], one_of([True, False])),
                ("grid_sampler_2d.default", like(images), like(lambda s: s[-1:] == (2,)), one_of([0, 1]), 0, one_of([True, False])),
                ("upsample_bilinear2d.default", like(images), [one_of([3, 8]), 5], one_of([True, False]), None, None),
                ("index.Tensor", like(), [*[None] * one_of([0, 1, 2]), t(5)]),
                ("_weight_norm_interface.default", t(4), t(15), 0),
                ("gt.Scalar", like(), 0.5),
                ("masked_fill.Scalar", like(), t(6), 0.5),
                ("embedding.default", t(2), t(5), -1, False, False),
                ("index_select.default", like(), one_of([1, 2]), t(5)),
                ("stack.default", [like(rows), like(rows)], one_of([0, 1, -1])),
                ("_scaled_dot_product_flash_attention_for_cpu.default", like(), like(), like(), 0.0, one_of([True, False])),
                ("mv.default", like(lambda s: len(s) == 2 and s[1] == 4), t(0)),
                ("upsample_nearest2d.default", like(images), [one_of([3, 8]), 5], None, None),
                ("empty_like.default", like(images)),
                ("bernoulli_.float", like(images), 0.5),
                ("div_.Scalar", like(images), 0.5),
                ("mul.Tensor", like(images), like(images)),
                ("reflection_pad2d.default", like(), [one_of([0, 1]), 1, one_of([0, 2]), 0]),
                ("constant_pad_nd.default", like(), [one_of([0, -1]), 1, one_of([2, 0, -1]), 0], 0.5),
                ("copy_.default", like(), one_of([t(3), like()])),
                ("select.int", like(), one_of([1, 2, 3]), one_of([0, 1, -1])),
                ("slice.Tensor", like(), one_of([1, 2, 3]), one_of([0, 1]), one_of([2, 3, -1]), 1),
                ("unsafe_split.Tensor", like(), one_of([1, 2, 3]), one_of([1, 2, 3])),
            ]
        )  # fmt: skip
        return {"op": f"aten.{op}", "args": args, "kwargs": {}}


def damaged(random, nodes):
    """The same nodes with one to three faults: a value replaced, an argument dropped, doubled or given by its name, a
    node dropped, doubled or moved, another operator."""
    nodes = json.loads(json.dumps(nodes))
    for _ in range(random.choice([1, 1, 2, 3])):
        if nodes:
            _damage(random, nodes, random.randrange(len(nodes)))
    return nodes


def _damage(random, nodes, index):
    node, how = nodes[index], random.randrange(9)
    args = node.get("args")
    if how == 0:
        node["op"] = random.choice([*rules()])
    elif how == 1:
        nodes.insert(random.randrange(len(nodes)), nodes.pop(index))
    elif how == 2:
        nodes.insert(index, json.loads(json.dumps(node)))
    elif how == 3:
        node["no_grad"] = True
    elif how == 4:
        node[random.choice([*node, "more"])] = deepcopy(random.choice(_HOSTILE))
    elif isinstance(args, list) and args:
        at = random.randrange(len(args))
        if how == 5 and isinstance(node.get("kwargs"), dict):
            node["kwargs"][random.choice(["self", "dim", "alpha", "dtype", "out", "memory_format"])] = args.pop(at)
        elif how == 6 and isinstance(args[at], list) and args[at]:
            args[at][random.randrange(len(args[at]))] = deepcopy(random.choice(_HOSTILE))
        elif how == 7:
            random.choice([args.pop, lambda k: args.insert(k, args[k])])(at)
        else:
            args[at] = deepcopy(random.choice(_HOSTILE))
