"""TensorFlow and Keras: build and export a student's model, train an audited one, compare both."""

from __future__ import annotations

import contextlib
import gc
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors.numpy

from harness.backends.find_model import find_model
from harness.backends.refusals import FIXED_BATCHES, fixed_batch, several_outputs
from harness.backends.source import Sources
from harness.backends.tensorflow import trace
from harness.backends.tensorflow.device import use_one_thread
from harness.backends.tensorflow.imported import keras, tf
from harness.backends.tensorflow.original import original
from harness.backends.tensorflow.passes import lowered
from harness.backends.tensorflow.trainee import load, reader
from harness.records.artifact import Artifact
from harness.records.errors import SubmissionError
from harness.records.framework import Framework
from harness.records.graph import Shape, TensorKind
from harness.records.inputs import CLASSES, INPUT_FORMS

__all__ = ["build", "clear", "load", "lowered", "original", "reader"]

_BATCH = 2
_FLOATX, _DATA_FORMAT = keras.config.floatx(), keras.config.image_data_format()
_FORMS = sorted(INPUT_FORMS, key=lambda shape: shape[0] == 1)
"""The input forms in the order in which a Keras model is tried: channels first comes last."""


@dataclass
class _Export:
    """One seed's model as data: the graph in canonical names, the names students gave, and the weights."""

    graph: dict[str, Any]
    labels: dict[str, str]
    weights: dict[str, npt.NDArray[Any]] = field(repr=False)


@dataclass
class _Registered:
    """A variable that Keras tracks."""

    variable: Any
    kind: TensorKind
    trainable: bool


def build(sources: Sources, seed: int) -> Artifact:
    """Build the submission from one seed and export it. Raises SubmissionError with what to fix."""
    use_one_thread()
    model, label, shape = _make(sources, seed)
    export = _export(model, shape, sources)
    return Artifact(
        framework=Framework.TENSORFLOW,
        graph=json.dumps(export.graph, sort_keys=True, separators=(",", ":")).encode(),
        labels=json.dumps(export.labels).encode(),
        weights=(safetensors.numpy.save(export.weights),),
        entry=label,
    )


def clear() -> None:
    """Free the models of earlier builds, undo the usual global settings, and number layers from the start."""
    keras.utils.clear_session(free_memory=False)
    keras.config.set_floatx(_FLOATX)
    keras.config.set_image_data_format(_DATA_FORMAT)
    gc.collect()


def _make(sources: Sources, seed: int) -> tuple[keras.Model, str, Shape]:
    """A model that was run once, how it was created, and the first input form that gives one row for each image.

    Every form is tried on a fresh model, because the first run fixes the shapes of the weights.
    """
    failures: list[BaseException] = []
    forms: Sequence[Shape] = _FORMS
    while len(failures) < len(forms):
        if failures:
            keras.utils.clear_session(free_memory=False)  # so that layers have the same names as in a single build
        model, label = _fresh(sources, seed)
        forms = _declared(model, forms)
        shape = forms[len(failures)]
        try:
            output = model(tf.zeros((_BATCH, *shape)), training=False)
        except BaseException as error:
            failures.append(error)
            continue
        if isinstance(output, tf.Tensor) and output.ndim == 2 and len(output) == _BATCH:
            return model, label, shape
        if isinstance(output, (tuple, list, dict)):
            raise several_outputs(len(output), type(output).__name__)
        failures.append(ValueError(f"call returned {_describe(output)}"))
    expected = f"outputs of shape (batch, 10) for one of: {'; '.join(INPUT_FORMS[form] for form in forms)}"
    raise _fixed(_fresh(sources, seed)[0], forms[0]) or _blame(sources, expected, failures[0])


_ANY_BATCH = "omit the batch size: use keras.Input((28, 28, 1)), and -1 in a reshape"


def _fixed(model: keras.Model, shape: Shape) -> SubmissionError | None:
    """Whether the model accepts only one batch size: the one in its Input, or a usual one."""
    declared = model.inputs[0].shape[0] if getattr(model, "inputs", None) else None
    for size in [declared] if declared else FIXED_BATCHES:
        with contextlib.suppress(Exception):
            if tuple(model(tf.zeros((size, *shape)), training=False).shape) == (size, CLASSES):
                return fixed_batch(size, _ANY_BATCH)
    return None


def _fresh(sources: Sources, seed: int) -> tuple[keras.Model, str]:
    """A fresh import and a fresh model, with every random generator set to `seed` before."""
    keras.config.disable_traceback_filtering()  # it would add its own text to the student's error
    keras.utils.set_random_seed(seed)
    entry = find_model(sources.load(), keras.Model, sources.program.expression)
    try:
        model = entry.make()
    except BaseException as error:
        raise sources.blame("model", "a model that can be built", error) from None
    if not isinstance(model, keras.Model):
        found = f"{entry.label} returns a {type(model).__name__}"
        raise SubmissionError("model", "a keras.Model", found, "return the model itself")
    if "built" not in vars(model):
        found = f"an __init__ of {type(model).__name__} that does not call that of keras.Model first"
        raise SubmissionError("model", "a keras.Model", found, "call super().__init__() in its first line")
    return model, entry.label


def _declared(model: keras.Model, forms: Sequence[Shape]) -> Sequence[Shape]:
    """The forms that fit the input a model was built for; all of them when it was not built."""
    inputs = getattr(model, "inputs", None)
    if inputs is not None and len(inputs) != 1:
        raise _input_refused(f"{len(inputs)} inputs")
    if inputs and not str(inputs[0].dtype).startswith("float"):
        raise _input_refused(f"an input of {inputs[0].dtype}, but the images are numbers from 0 to 1")
    shape = inputs[0].shape if inputs else (model.get_build_config() or {}).get("input_shape")
    if not isinstance(shape, (list, tuple)) or not shape:
        return forms
    fitting = [form for form in forms if _fits(form, shape[1:])]
    if not fitting:
        raise _input_refused(f"an input of shape {tuple(shape)}")
    if all(form[0] == 1 for form in fitting) and _reads_channels_last(model):
        raise _input_refused(f"an input of shape {tuple(shape)}, whose last axis the first layer treats as channels")
    return fitting


def _reads_channels_last(model: keras.Model) -> bool:
    """Whether the first layer with a window would treat the columns of (1, 28, 28) as channels."""
    orders = (getattr(layer, "data_format", None) for layer in model._flatten_layers(include_self=False))
    return next((order for order in orders if order), "") == "channels_last" and not _permutes(model)


def _permutes(model: keras.Model) -> bool:
    kinds = (keras.layers.Permute, keras.layers.Reshape, keras.layers.Flatten, keras.layers.Lambda)
    layers = [layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)]
    return bool(layers) and isinstance(layers[0], kinds)


def _fits(form: Shape, shape: Sequence[Any]) -> bool:
    return len(form) == len(shape) and all(size in (None, own) for own, size in zip(form, shape, strict=True))


def _input_refused(found: str) -> SubmissionError:
    return SubmissionError(
        "forward", f"one input of a form in: {'; '.join(INPUT_FORMS.values())}", found, "use keras.Input((28, 28, 1))"
    )


def _describe(output: object) -> str:
    if isinstance(output, tf.Tensor):
        return f"shape {tuple(output.shape)} for a batch of {_BATCH}"
    return f"a {type(output).__name__} instead of a tensor"


def _export(model: keras.Model, shape: Shape, sources: Sources) -> _Export:
    """Trace both modes and name every tensor: those that a graph uses by their first use, then the others."""
    _unroll(model)
    registered = _registered(model)
    tapes = {mode: _trace(model, shape, mode == "train", sources) for mode in ("eval", "train")}
    outside = {key: value for tape in tapes.values() for key, value in tape.outside.items()}
    used = [key for tape in tapes.values() for key in trace.references([*tape.nodes, tape.output])]
    order = list(dict.fromkeys([*used, *registered]))
    names = {key: f"t{index}" for index, key in enumerate(order)}
    weights = {names[key]: _value(registered[key].variable if key in registered else outside[key]) for key in order}
    specs = {names[key]: _spec(weights[names[key]], registered.get(key), outside.get(key)) for key in order}
    graph = {"format": 1, "framework": "tensorflow", "input": list(shape), "tensors": specs}
    for mode, tape in tapes.items():
        nodes = trace.name_outside(tape.nodes, names)
        graph[mode] = {"nodes": nodes, "output": trace.name_outside(tape.output, names)}
    layers = _names_of_layers(model)
    labels = {names[key]: _variable_label(registered[key].variable.path, layers) for key in order if key in registered}
    labels |= {f"n{index}": _layer_label(scope, layers) for index, scope in enumerate(tapes["eval"].scopes)}
    return _Export(graph, {name: label for name, label in labels.items() if label}, weights)


def _unroll(model: keras.Model) -> None:
    """Recurrent layers unrolled: the same numbers, and no loop in the graph."""
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.RNN):
            layer.unroll = True


def _registered(model: keras.Model) -> dict[object, _Registered]:
    """Every variable of the model, by the identity of its handle.

    Layers list trainable variables separately from those that never are (moving statistics); freezing a layer changes
    the flag of its variables, not the list they are in.
    """
    layers = model._flatten_layers()
    parameters = {id(variable) for layer in layers for variable in layer._trainable_variables}
    trainable = {id(variable) for variable in model.trainable_variables}
    found: dict[object, _Registered] = {}
    for variable in model.variables:
        kind = TensorKind.PARAMETER if id(variable) in parameters else TensorKind.BUFFER
        found[id(variable.value.handle)] = _Registered(variable, kind, id(variable) in trainable)
    return found


def _trace(model: keras.Model, shape: Shape, training: bool, sources: Sources) -> trace.Tape:
    """One mode of a model. Anything that differs in a second trace is not a function of the image and the weights."""
    try:
        tapes = [trace.trace(model, shape, training) for _ in range(2 if training else 1)]
    except BaseException as error:
        raise _blame(sources, f"a forward pass in {'training' if training else 'evaluation'} mode", error) from None
    if any((tape.nodes, tape.output) != (tapes[0].nodes, tapes[0].output) for tape in tapes):
        raise SubmissionError(
            "operators",
            "a forward pass made of tensor operations only",
            "a forward pass that differs from call to call (a new random constant, or a counter kept in Python)",
            "take random numbers from keras.random or a layer such as Dropout, and keep no state in Python",
        )
    return tapes[0]


_IN_OTHER_WORDS = (
    (
        r"[sS]ymbolic",
        "a decision based on the values of the image: a tensor is converted to a Python number",
        "remove if, while, float() and .numpy() on tensors from call: use keras.ops.where or a mask",
    ),
    (
        r"None values not supported|'NoneType'|elements of .None, ",
        "the number of images used as a Python number, although it is unknown before the model runs",
        "use -1 or keras.ops.shape(x)[0] in place of x.shape[0]",
    ),
)
"""TensorFlow's message when a model cannot be traced, and ours for the student: found, and try."""


def _blame(sources: Sources, expected: str, error: BaseException) -> SubmissionError:
    """The error of a forward pass, without TensorFlow's additions for its own developers."""
    if isinstance(error, tf.errors.ResourceExhaustedError):
        raise MemoryError from None
    blamed = sources.blame("forward", expected, error)
    found = re.sub(r"\{\{function_node .*?\}\} | \[Op:\w+\]", "", blamed.found)
    location = re.search(r" \([^()]+, line \d+.*$", found)
    for pattern, words, try_ in _IN_OTHER_WORDS:
        if re.search(pattern, found):
            expected = "a forward pass that computes each image independently, with tensor operations only"
            return SubmissionError("forward", expected, words + (location[0] if location else ""), try_)
    return SubmissionError(blamed.check, blamed.expected, found, blamed.try_)


def _value(source: Any) -> npt.NDArray[Any]:
    """The numbers of a Keras variable, of a raw variable's handle or of a constant."""
    if isinstance(source, np.ndarray):
        return np.ascontiguousarray(source)
    value = trace.read_variable(source.value.handle if isinstance(source, keras.Variable) else source)
    if value is None:
        found = "a table, iterator or other resource that is not a variable"
        raise SubmissionError("operators", "a model of tensors and variables", found, "remove it from the model")
    return value


def _spec(value: npt.NDArray[Any], registered: _Registered | None, outside: Any) -> dict[str, Any]:
    """A float variable that Keras does not track is `unregistered`; a counter is a buffer."""
    kind, trainable = TensorKind.CONSTANT, False
    if registered is not None:
        kind, trainable = registered.kind, registered.trainable
    elif not isinstance(outside, np.ndarray):
        kind = TensorKind.UNREGISTERED if value.dtype.kind not in "iub" else TensorKind.BUFFER
    dtype = trace.DTYPES.get(value.dtype.name, "")
    if not dtype or (trainable and dtype != "F32"):
        found = f"a tensor of {value.dtype.name}"
        raise SubmissionError("operators", "tensors of float32", found, "use float32 for all weights")
    return {"kind": kind, "trainable": trainable, "shape": list(value.shape), "dtype": dtype}


def _names_of_layers(model: keras.Model) -> dict[str, str]:
    """What the student calls each layer: the attribute of the model that holds it, else the layer's own name."""
    names = {layer.name: layer.name for layer in model._flatten_layers(include_self=False)}
    attributes = {value.name: name for name, value in vars(model).items() if isinstance(value, keras.Layer)}
    return names | {layer: name for layer, name in attributes.items() if not name.startswith("_")}


def _variable_label(path: str, layers: dict[str, str]) -> str:
    """A variable's path from the outermost layer on: `c1/kernel`."""
    parts = path.split("/")
    start = next((index for index, part in enumerate(parts[:-1]) if part in layers), 0)
    return "/".join([layers.get(parts[start], parts[start]), *parts[start + 1 :]])


def _layer_label(scope: str, layers: dict[str, str]) -> str:
    """The outermost layer that an operator was called in. Keras numbers the scopes that it opens a second time."""
    for part in scope.split("/")[:-1]:
        for name in (re.sub(r"_\d+$", "", part), part):
            if name in layers:
                return layers[name]
    return ""
