"""Faults in an artifact given as JSON documents: graph, labels, header of the weights, statement."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from harness.artifact.tensorflow.translator import RULES
from harness.artifact.torch.translator import rules

Random = random.Random
Document = Any
OF_TORCH = {name: str(rule.schema.parameters) for name, rule in rules().items()}
OF_TENSORFLOW = {name: f"{rule.inputs} {sorted(rule.attributes)}" for name, rule in RULES.items()}
_SIGNATURES = {**OF_TORCH, **OF_TENSORFLOW}
_ALIKE: dict[str, list[str]] = defaultdict(list)
"""The operators that take the same, so that they can be put in each other's place."""
for _name, _signature in _SIGNATURES.items():
    _ALIKE[_signature].append(_name)


def _places(value: Document, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, item in list(items) for place in [(*path, key), *_places(item, (*path, key))]]


def _at(document: Document, path: tuple[Any, ...]) -> Document:
    for key in path:
        document = document[key]
    return document


def _damage(random: Random, document: Document) -> None:
    """One fault at any place of a document: dropped, doubled, swapped, replaced, nested, renamed."""
    places = _places(document)
    if not places:
        return
    *path, key = random.choice(places)
    parent = _at(document, tuple(path))
    how = random.randrange(6)
    if how == 0:
        del parent[key]
    elif how == 1 and isinstance(parent, list):
        parent[key:key] = [parent[key]] * random.choice([1, 1, 2, 300])
    elif how == 2:
        other = random.choice(places)
        parent[key] = json.loads(json.dumps(_at(document, other))) if other[: len(path)] != tuple(path) else None
    elif how == 3 and isinstance(parent, dict):
        parent[random.choice(_NAMES)] = parent.pop(key)
    else:
        parent[key] = _value(random, parent[key])


_NAMES = [
    "node",
    "tensor",
    "input",
    "const",
    "t0",
    "t1",
    "t99999",
    "n0",
    "",
    "é\ud800",
    "__class__",
    "op",
    "shape",
    "x" * 99,
]
_NUMBERS = [-1, 0, 1, 2, 3, 10, 28, 255, 1 << 31, (1 << 31) - 1, 1 << 62, -(1 << 63), 1 << 64, 10**40, 0.5, -0.0, 1e308]
_WORDS = [
    "",
    "a",
    "SAME",
    "VALID",
    "EXPLICIT",
    "NCHW",
    "nan",
    "inf",
    "float32",
    "resource",
    "F32",
    "BF16",
    "buffer",
    "\ud800",
    "\0",
]


def _value(random: Random, old: Document) -> Document:
    """A replacement for a value: close to it, or of another kind."""
    how = random.randrange(8)
    if how == 0 and isinstance(old, int):
        return old + random.choice([-1, 1, 1 << 40])
    if how == 1:
        return [old] * random.choice([0, 1, 2, 17, 257, 4096])
    if how == 2:
        return {random.choice(_NAMES): old}
    if how == 3:
        nested = old
        for _ in range(random.choice([1, 3, 6, 7, 20])):
            nested = [nested] if random.random() < 0.7 else {"a": nested}
        return nested
    return random.choice(
        [random.choice(_NUMBERS), random.choice(_WORDS), None, True, False, [], {}, _reference(random)]
    )


def _reference(random: Random) -> Document:
    number = random.choice([-1, 0, 0, 1, 2, 3, 5, 8, 13, 30, 4999, 5000])
    kinds = [{"node": [number, random.choice([0, 0, 1, 255, 256])]}, {"tensor": f"t{number}"}, {"input": 0}]
    kinds += [{"batch": [1, number]}, {"float": "nan"}, {"const": {"dtype": "int32", "shape": [], "items": [number]}}]
    return random.choice(kinds)


def _nodes(random: Random, entry: dict[str, Any]) -> list[Any]:
    graph = entry["graph"]
    mode = graph.get(random.choice(["train", "eval"])) if isinstance(graph, dict) else None
    nodes = mode.get("nodes") if isinstance(mode, dict) else None
    return nodes if isinstance(nodes, list) else []


def _fault_in_nodes(random: Random, entry: dict[str, Any]) -> None:
    """A node dropped, doubled or swapped with another."""
    nodes = _nodes(random, entry)
    if not nodes:
        return
    first, second = random.randrange(len(nodes)), random.randrange(len(nodes))
    how = random.randrange(3)
    if how == 0:
        del nodes[first]
    elif how == 1:
        nodes.insert(first, json.loads(json.dumps(nodes[first])))
    else:
        nodes[first], nodes[second] = nodes[second], nodes[first]


def _fault_in_a_call(random: Random, entry: dict[str, Any]) -> None:
    """Another operator, or its arguments: dropped, doubled, swapped, by keyword, others."""
    nodes = [node for node in _nodes(random, entry) if isinstance(node, dict) and isinstance(node.get("args"), list)]
    if not nodes:
        return
    node = random.choice(nodes)
    args, how = node["args"], random.randrange(7)
    at = random.randrange(len(args)) if args else 0
    if how == 0:
        node["op"] = random.choice(list(OF_TORCH if entry["framework"] == "torch" else OF_TENSORFLOW))
    elif how == 1:
        node["args"] = args[:at]
    elif how == 2 and args:
        args[at] = random.choice([_reference(random), [_reference(random)] * random.choice([1, 2, 256]), args[at - 1]])
    elif how == 3 and isinstance(node.get("kwargs"), dict) and args:
        node["kwargs"][random.choice(["self", "training", "dim", "alpha", "out"])] = args.pop()
    elif how == 4:
        random.shuffle(args)
    elif how == 5:
        args.append(_value(random, _reference(random)))
    else:
        _damage(random, node)


def _another_model(random: Random, entry: dict[str, Any]) -> None:
    """A call that may be valid: on another result or tensor, of an operator with the same arguments, by one more."""
    nodes = _nodes(random, entry)
    index = random.randrange(len(nodes) + 1)
    node = nodes[index] if index < len(nodes) else None
    if not isinstance(node, dict) or not isinstance(node.get("args"), list) or not isinstance(node.get("op"), str):
        return
    places = _places(node)
    *path, key = random.choice(places)
    parent, old = _at(node, tuple(path)), _at(node, (*path, key))
    if key == "op":
        node["op"] = random.choice(_ALIKE.get(_SIGNATURES.get(node["op"], ""), [node["op"]]))
    elif isinstance(old, dict) and "const" not in old and path[:1] == ["args"]:
        earlier = {"node": [random.randrange(index), 0]} if index else {"input": 0}
        parent[key] = random.choice([earlier, earlier, {"tensor": f"t{random.randrange(12)}"}, {"input": 0}])
    elif type(old) is int and "node" not in path:
        parent[key] = max(0, old + random.choice([-1, 1, 2, 28]))
    elif isinstance(old, float):
        parent[key] = old * 2


def _another_activation(random: Random, entry: dict[str, Any]) -> None:
    """An activation, a sum or a product by another, which keeps shapes."""
    calls = [node for node in _nodes(random, entry) if isinstance(node, dict) and isinstance(node.get("op"), str)]
    found = [(node, group) for node in calls for group in _KEEP_SHAPES if node["op"] in group]
    if found:
        node, group = random.choice(found)
        node["op"] = random.choice(group)


_KEEP_SHAPES = [
    [
        f"aten.{name}.default"
        for name in "relu tanh sigmoid silu neg abs mish selu exp sin cos square erf relu_".split()
    ],
    [f"aten.{name}.Tensor" for name in "add sub mul div".split()],
    "Relu Tanh Sigmoid Abs Neg Square Exp Sin Cos Erf Softplus Relu6 Selu Elu".split(),
    "AddV2 Mul Sub RealDiv Maximum Minimum SquaredDifference".split(),
]


def _fault_anywhere(random: Random, entry: dict[str, Any]) -> None:
    _damage(random, entry["graph"])


def _fault_beside_the_graph(random: Random, entry: dict[str, Any]) -> None:
    """In labels, weights or statement; they may be of an entirely different kind."""
    name = random.choice(["labels", "weights", "weights", "statement"])
    if random.random() < 0.05:
        entry[name] = _value(random, entry[name])
    elif name == "statement":
        entries = [[random.choice(_labels(entry)), random.choice(_NUMBERS)] for _ in range(random.choice([1, 5, 64]))]
        entry[name] = {"problem": random.choice(["", "", "a list"]), "entries": entries}
        if random.random() < 0.3:
            _damage(random, entry[name])
    else:
        _damage(random, entry[name])


def _labels(entry: dict[str, Any]) -> list[str]:
    labels = entry["labels"].values() if isinstance(entry["labels"], dict) else ()
    texts = [label for label in labels if isinstance(label, str)]
    return [*texts, *(text.rpartition(".")[0] for text in texts), "total", "Total", "c1", "conv1", "é" * 80]


FAULTS: list[Callable[[Random, dict[str, Any]], None]] = [
    *[_another_model] * 6,
    *[_another_activation] * 6,
    *[_fault_in_a_call] * 4,
    *[_fault_in_nodes] * 2,
    *[_fault_anywhere] * 3,
    *[_fault_beside_the_graph] * 2,
]
