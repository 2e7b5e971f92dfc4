"""TensorFlow: what is exported is the student's Keras model, and one epoch in TensorFlow is the steps it stands for."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("harness.backends.tensorflow.imported", exc_type=ImportError)  # imports TensorFlow its own way


from harness.artifact.audit import audit
from harness.backends.source import Sources
from harness.backends.tensorflow import backend
from harness.backends.tensorflow.imported import keras, tf
from harness.child.validate import read_weights
from harness.jobs.losses import log_probabilities
from harness.jobs.train import Optimizer
from harness.jobs.trainee import Task
from harness.language.dependence import statistics
from harness.language.interpreter import run
from harness.model.table import layer_table
from harness.records.errors import SubmissionError
from harness.records.framework import Framework
from harness.records.graph import OutputKind, TensorKind
from harness.records.inputs import INPUT_FORMS
from harness.records.submission import SourceFile

pytestmark = [pytest.mark.frameworks, pytest.mark.filterwarnings("ignore::UserWarning:keras")]

HEAD = "import keras\nimport numpy as np\nimport tensorflow as tf\nfrom keras import layers as L\n"
IMAGE = "L.Input((28, 28, 1)), "
MODELS = {
    "lenet": 'L.Conv2D(6, 5, padding="same", activation="relu"), L.MaxPooling2D(), L.Flatten(), L.Dense(10)',
    "batch norm and dropout": (
        "L.Conv2D(4, 3), L.BatchNormalization(), L.SpatialDropout2D(0.2), L.Activation('gelu'), L.AveragePooling2D(2), "
        "L.Flatten(), L.Dropout(0.5), L.LayerNormalization(), L.Dense(10), L.Softmax()"
    ),
    "own gradients": "L.Flatten(), L.Dense(20, activation='silu'), L.PReLU(), L.Dense(10, activation='log_softmax')",
    "grouped, dilated, padded": (
        "L.Conv2D(8, 3), L.Conv2D(8, 3, groups=4), L.GroupNormalization(2), "
        "L.Conv2D(4, 3, dilation_rate=2, padding='same'), "
        "L.DepthwiseConv2D(3, strides=2, padding='same'), L.ZeroPadding2D(1), L.GlobalAveragePooling2D(), L.Dense(10)"
    ),
    "channels first and back": "L.Permute((3, 1, 2)), L.Permute((2, 3, 1)), L.Conv2D(4, 3), L.Flatten(), L.Dense(10)",
}
ADAM = Optimizer("adam", 1e-2, 0.9, 0.9, 0.999, 1e-8)
STILL = Optimizer("sgd", 0.0, 0.0, 0.9, 0.999, 1e-8)
IMAGES = np.random.default_rng(0).integers(0, 256, (40, 28, 28, 1), dtype=np.uint8)
LABELS = np.arange(40, dtype=np.uint8) % 10


def code(layers):
    return f"def build_model(): return keras.Sequential([{IMAGE}{layers}])"


def build(text, seed=1):
    keras.utils.clear_session()
    return backend.build(
        Sources([SourceFile("model.py", (HEAD + text).encode())], "model.py", Framework.TENSORFLOW), seed
    )


def eager(text, seed=1):
    keras.utils.set_random_seed(seed)
    namespace = {}
    exec(HEAD + text, namespace)
    return namespace["build_model"]()


def trainee(artifact, kind=OutputKind.LOGITS, optimizer=ADAM, seed=1):
    return backend.load(Task(audit(artifact).artifact.graph, artifact.weights[0], kind, optimizer, seed))


def tensors(artifact):
    """Kind, trainability, data type and size of each tensor, by the student's name."""
    return {t.label or t.name: (t.kind, t.trainable, t.dtype, t.size) for t in audit(artifact).model.tensors}


def table(artifact):
    return layer_table(audit(artifact).model)


@pytest.mark.parametrize("layers", MODELS.values(), ids=list(MODELS))
def test_the_exported_graph_computes_what_the_model_computes(layers):
    artifact, model = build(code(layers)), eager(code(layers))
    graph, weights = audit(artifact).model.evaluation, read_weights(artifact.weights[0])
    for batch in (1, 7):
        images = IMAGES[:batch] / np.float32(255)
        expected = model(tf.constant(images), training=False)
        np.testing.assert_allclose(run(graph, weights, images).output, expected, rtol=1e-5, atol=1e-5)
    assert table(artifact).parameters == sum(v.value.shape.num_elements() for v in model.trainable_variables)


@pytest.mark.parametrize("layers", [m for m in MODELS.values() if "Dropout" not in m])  # drawn in another way
def test_loss_and_gradients_in_training_are_the_models_own(layers):
    artifact, model = build(code(layers)), eager(code(layers))
    images = IMAGES / np.float32(255)
    with tf.GradientTape() as tape:
        outputs = model(images, training=True)
        theirs = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(LABELS.astype(int), outputs))
    norms = [float(tf.norm(g)) for g in tape.gradient(theirs, [v.value for v in model.trainable_variables])]
    loss, gradients = trainee(artifact).gradients(IMAGES, LABELS)
    assert loss == pytest.approx(float(theirs), rel=1e-5)
    assert sorted(np.linalg.norm(g) for g in gradients.values()) == pytest.approx(sorted(norms), rel=1e-3, abs=1e-5)


def test_statistics_move_in_training_and_stand_still_in_evaluation():
    artifact = build(code(MODELS["batch norm and dropout"]))
    ours = trainee(artifact, OutputKind.PROBABILITIES)
    before = ours.predict(IMAGES)
    assert (ours.predict(IMAGES) == before).all()
    moving = {label for label, (kind, *_) in tensors(artifact).items() if kind is TensorKind.BUFFER}
    assert {name.split("/")[-1] for name in moving} == {"moving_mean", "moving_variance", "seed_generator_state"}
    model = audit(artifact).model
    updated = {t.name for t in model.tensors if t.label in moving and "seed" not in t.label}
    assert statistics(model) == updated
    old = read_weights(artifact.weights[0])
    ours.train_epoch(IMAGES, LABELS, np.arange(40), 20, np.ones(2))
    new = read_weights(ours.state())
    assert all((new[name] != old[name]).any() for name in updated)


def test_dropout_draws_anew_at_every_step():
    artifact = build(code("L.Flatten(), L.Dropout(0.5), L.Dense(10)"))
    order = np.tile(np.arange(20), 2)
    losses = trainee(artifact, optimizer=STILL).train_epoch(IMAGES, LABELS, order, 20, np.ones(2))
    assert losses[0] != losses[1]


@pytest.mark.parametrize(
    "layers",
    [MODELS["batch norm and dropout"], "L.Flatten(), L.Lambda(lambda x: x + tf.random.normal((784,))), L.Dense(10)"],
)
def test_a_repeated_run_is_bit_identical(layers):
    artifact = build(code(layers))
    order = np.random.default_rng(0).permutation(40)
    runs = []
    for _ in range(2):
        ours = trainee(artifact)
        losses = [ours.train_epoch(IMAGES, LABELS, order, 16, np.ones(-(-len(order) // 16))) for _ in range(2)]
        runs.append((np.concatenate(losses).tobytes(), ours.predict(IMAGES).tobytes()))
    assert runs[0] == runs[1]


@pytest.mark.parametrize(("name", "momentum"), [("adam", 0.0), ("sgd", 0.0), ("sgd", 0.9)])
def test_steps_follow_the_formulas_of_torch_optim(name, momentum):
    chosen = Optimizer(name, 1e-2, momentum, 0.9, 0.999, 1e-8)
    artifact = build(code("L.Flatten(), L.Dense(10)"))
    ours = trainee(artifact, optimizer=chosen)
    expected = {n: v.astype(np.float64) for n, v in ours.weights().items()}
    state = {n: [np.zeros_like(v), np.zeros_like(v)] for n, v in expected.items()}
    for step in range(1, 5):
        for n, g in ours.gradients(IMAGES, LABELS)[1].items():
            first, second = state[n]
            if name == "sgd":
                first[:] = momentum * first + g
                expected[n] -= 1e-2 / step * first
            else:
                first[:] = 0.9 * first + 0.1 * g
                second[:] = 0.999 * second + 0.001 * g.astype(np.float64) ** 2
                expected[n] -= 1e-2 / step * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        ours.train_epoch(IMAGES, LABELS, np.arange(40), 40, np.array([1 / step]))
    for n, found in ours.weights().items():
        np.testing.assert_allclose(found, expected[n], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(
    ("layers", "kind"),
    [
        ("L.Dense(10)", OutputKind.LOGITS),
        ("L.Dense(10, activation='softmax')", OutputKind.PROBABILITIES),
        ("L.Dense(10, activation='log_softmax')", OutputKind.LOG_PROBABILITIES),
    ],
)
def test_the_loss_is_the_one_of_every_framework(layers, kind):
    artifact = build(code(f"L.Flatten(), {layers}"))
    assert table(artifact).output_kind is kind
    ours = trainee(artifact, kind, STILL)
    expected = -log_probabilities(ours.predict(IMAGES), kind)[np.arange(40), LABELS].mean()
    assert ours.train_epoch(IMAGES, LABELS, np.arange(40), 40, np.ones(1)) == pytest.approx([expected], rel=1e-5)


def test_an_epoch_takes_every_batch_and_ends_at_a_loss_that_is_not_finite():
    artifact = build(code("L.Flatten(), L.Dense(10)"))
    assert len(trainee(artifact).train_epoch(IMAGES, LABELS, np.arange(40), 16, np.ones(3))) == 3
    wild = trainee(artifact, optimizer=Optimizer("sgd", 1e38, 0, 0, 0, 0))
    losses = wild.train_epoch(IMAGES, LABELS, np.arange(40), 4, np.ones(10))
    assert len(losses) < 10
    assert np.isfinite(losses[:-1]).all()
    assert not np.isfinite(losses[-1])


def test_a_model_without_anything_to_train_can_be_run():
    artifact = build(code("L.Flatten(), L.Dense(10, trainable=False)"))
    losses = trainee(artifact).train_epoch(IMAGES, LABELS, np.arange(40), 20, np.ones(2))
    assert len(losses) == 2


def test_names_of_layers_are_in_the_labels_and_not_in_the_graph():
    layers = "L.Conv2D(4, 3{}), L.MaxPooling2D({}), L.Flatten(), L.Dense(10{})"
    plain = build(code(layers.format("", "", "")))
    named = build(code(layers.format(", name='secret'", "name='pool'", ", name='fc'")))
    assert plain.graph == named.graph
    assert audit(plain).model.fingerprint == audit(named).model.fingerprint
    assert [layer.label for layer in table(named).layers] == ["secret", "pool", "flatten", "fc"]
    assert build(code(MODELS["lenet"])).graph != plain.graph


def test_every_way_to_hold_a_tensor_is_told():
    text = (
        "class Net(keras.Model):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.flatten, self.a = L.Flatten(), L.Dense(10, use_bias=False, trainable=False)\n"
        "        self.b, self.unused = L.Dense(10, use_bias=False), L.Dense(3, use_bias=False)\n"
        "        self.unused.build((None, 5))\n"
        "        self.raw, self.fixed = [tf.Variable(tf.ones((10,)))], np.arange(10, dtype='float32')\n"
        "    def call(self, x):\n"
        "        return self.b(self.a(self.flatten(x))) * self.raw[0] + self.fixed\n"
    )
    artifact = build(text)
    assert list(tensors(artifact).values()) == [
        (TensorKind.PARAMETER, False, "F32", 7840),
        (TensorKind.PARAMETER, True, "F32", 100),
        (TensorKind.UNREGISTERED, False, "F32", 10),
        (TensorKind.CONSTANT, False, "F32", 10),
        (TensorKind.PARAMETER, True, "F32", 15),
    ]
    assert list(tensors(artifact)) == ["a/kernel", "b/kernel", "t2", "t3", "unused/kernel"]
    assert [t.label for t in table(artifact).unused] == ["unused/kernel"]


@pytest.mark.parametrize(
    ("layers", "form"),
    [
        ("L.Flatten(), L.Dense(10)", "28x28, channels last"),
        ("L.Reshape((28, 28, 1)), L.Flatten(), L.Dense(10)", "28x28, channels last"),
        ("L.Permute((2, 3, 1)), L.Conv2D(4, 5), L.Flatten(), L.Dense(10)", "28x28, channels first"),
        ("L.Reshape((32, 32, 1)), L.Flatten(), L.Dense(10)", "32x32 (MNIST zero-padded by 2), channels last"),
    ],
)
def test_the_form_of_an_unbuilt_model_is_tried(layers, form):
    artifact = build(f"def build_model(): return keras.Sequential([{layers}])")
    assert INPUT_FORMS[tuple(json.loads(artifact.graph)["input"])] == form


def net(expression, init="None"):
    return (
        "class Net(keras.Model):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        f"        self.flatten, self.out, self.more = L.Flatten(), L.Dense(10), {init}\n"
        "    def call(self, x, training=None):\n"
        f"        return {expression}\n"
    )


@pytest.mark.parametrize(
    ("text", "check", "words"),
    [
        (net("self.out(self.flatten(x)) * float(tf.reduce_max(x))"), "forward", "a decision based on the values"),
        (net("self.out(self.flatten(x).numpy())"), "forward", "a decision based on the values"),
        (net("self.out(tf.reshape(x, (x.shape[0], 784)))"), "forward", "the number of images used as a Python"),
        (
            net("(self.out(self.flatten(x)), x) if training else self.out(self.flatten(x))"),
            "forward",
            "a tuple instead of",
        ),
        (net("self.out(self.flatten(x) + np.random.rand(784))"), "operators", "differs from call to call"),
        (net("self.out(tf.reshape(x, (-1, 400)))"), "forward", "requires a multiple of 400 (model.py, line 10:"),
        (net("self.out(tf.reshape(x, (-1, 392)))"), "forward", "shape (4, 10) for a batch of 2"),
        (net("{'y': self.out(self.flatten(x))}"), "forward", "a dict of 1"),
        (code("L.Dense(10)"), "forward", "shape (2, 28, 28, 10)"),
        ("def build_model(): return L.Dense(10)", "model", "build_model() returns a Dense"),
        (
            "def build_model(): return keras.Sequential([L.Input((3, 32, 32)), L.Flatten(), L.Dense(10)])",
            "forward",
            "(None, 3",
        ),
        (
            "def build_model(): return keras.Sequential([L.Input((784,), dtype='uint8'), L.Dense(10)])",
            "forward",
            "uint8",
        ),
        (code("L.Conv2D(4, 29), L.Flatten(), L.Dense(10)"), "model", "Computed output size would be zero or negative"),
        (code("L.Flatten(), L.Dense(10, dtype='float64')"), "operators", "a tensor of float64"),
    ],
)
def test_what_the_student_can_mend_is_told(text, check, words):
    with pytest.raises(SubmissionError) as error:
        build(text)
    assert error.value.check == check
    assert words in error.value.found


def test_the_short_import_starts_no_thread_and_hides_nothing_afterwards():
    program = (
        "import os, sys\n"
        "from harness.backends.tensorflow.imported import keras, tf\n"
        "assert len(os.listdir('/proc/self/task')) == 1\n"
        "from tensorflow.python.eager import context\n"
        "assert context.context()._context_handle is None\n"
        "assert 'pandas' not in sys.modules\n"
        "assert callable(tf.signal.fft) and callable(tf.compat.v1.placeholder)\n"
        "import scipy, pandas\n"
        "print(float(keras.ops.sum(tf.ones(3))))\n"
    )
    quiet = {"CUDA_VISIBLE_DEVICES": "", "KERAS_BACKEND": "tensorflow", "OMP_NUM_THREADS": "1"}
    environment = {**os.environ, **quiet}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "3.0\n", done.stderr


def test_pixels_are_divided_by_what_the_task_says():
    text = "def build_model():\n    return keras.Sequential([keras.Input((28, 28, 1)), L.Flatten(), L.Dense(10)])"
    artifact = build(text)
    task = Task(audit(artifact).artifact.graph, artifact.weights[0], OutputKind.LOGITS, STILL, 0)
    images = np.random.default_rng(0).integers(0, 2, (20, 28, 28, 1), dtype=np.uint8)
    divided, plain = backend.load(task), backend.load(replace(task, divisor=1))
    assert np.array_equal(divided.predict(images * 255), plain.predict(images))
    labels = np.arange(20, dtype=np.uint8) % 10
    assert divided.gradients(images * 255, labels)[0] == plain.gradients(images, labels)[0]
    assert not np.array_equal(divided.predict(images), plain.predict(images))
