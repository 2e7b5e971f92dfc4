"""Older Keras in today's words: what is mapped, what is said about it, and what is refused."""

import ast

import pytest

from harness.records.errors import SubmissionError
from harness.records.framework import Framework
from harness.slicing.program import plan

HEAD = "from keras.models import Sequential\nfrom keras.layers import *\n"
TF_HEAD = "from tensorflow.keras.models import Sequential\nfrom tensorflow.keras.layers import *\n"


def read(layer, head=HEAD):
    """A layer in today's words, and the notes on it."""
    program = plan({"m.py": f"{head}model = Sequential([{layer}])\n".encode()}, "m.py", "", Framework.TENSORFLOW)
    (call,) = program.tree.body[-1].value.args[0].elts
    return ast.unparse(call), program.notes


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Convolution2D(6, 5, 5)", "Convolution2D(6, kernel_size=(5, 5))"),
        ("Convolution2D(6, 5, 5, subsample=(1, 1))", "Convolution2D(6, kernel_size=(5, 5), strides=(1, 1))"),
        ("Convolution2D(6, nb_row=5, nb_col=4)", "Convolution2D(6, kernel_size=(5, 4))"),
        ("Convolution2D(6, k[0], k[1])", "Convolution2D(6, kernel_size=(k[0], k[1]))"),
        ("Conv2D(6, 5, 5, border_mode='same')", "Conv2D(6, kernel_size=(5, 5), padding='same')"),
        (
            "Convolution2D(6, 5, 5, dim_ordering='th')",
            "Convolution2D(6, kernel_size=(5, 5), data_format='channels_first')",
        ),
        ("Dense(output_dim=10, init='uniform')", "Dense(units=10, kernel_initializer='uniform')"),
        ("Dropout(p=0.5)", "Dropout(rate=0.5)"),
        ("AveragePooling2D()", "AveragePooling2D(pool_size=(2, 2))"),
        ("BatchNormalization(mode=0, axis=1)", "BatchNormalization(axis=1)"),
    ],
)
@pytest.mark.parametrize("head", [HEAD, TF_HEAD], ids=["keras", "tf.keras"])
def test_a_certain_meaning_is_mapped_in_both_name_spaces_and_told(old, new, head):
    found, notes = read(old, head)
    assert found == new
    assert old == "AveragePooling2D()" or any("line 3" in note for note in notes)


def test_two_sizes_of_todays_name_are_not_guessed():
    with pytest.raises(SubmissionError, match="used to give both kernel sizes and now gives a stride"):
        read("Conv2D(6, 5, 5)")


def test_a_stride_that_was_always_one_is_told():
    found, notes = read("Conv2D(6, 5, 5)", TF_HEAD)
    assert found == "Conv2D(6, 5, 5)"
    assert any("has strides of 5" in note for note in notes)


@pytest.mark.parametrize(
    "layer", ["Conv2D(6, (5, 5), 2)", "Conv2D(6, 5, 1)", "Conv2D(6, 5, (2, 2))", "Conv2D(6, 5, 'same')"]
)
def test_todays_words_are_left_alone(layer):
    assert read(layer)[0] == layer


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("from keras.layers.core import Dense", "from keras.layers import Dense"),
        ("from keras.layers.convolutional import Conv2D as C", "from keras.layers import Conv2D as C"),
        ("from tensorflow.python.keras.layers import Dense", "from tensorflow.keras.layers import Dense"),
        ("from keras.engine.topology import Layer", "from keras.layers import Layer"),
        ("from keras.utils import np_utils", "from keras import utils as np_utils"),
        ("from keras.utils.np_utils import to_categorical", "from keras.utils import to_categorical"),
        ("from keras.constraints import maxnorm", "from keras.constraints import max_norm as maxnorm"),
        ("import keras.layers.core", "import keras.layers"),
    ],
)
def test_modules_that_moved_are_found(old, new):
    text = f"{old}\n\n\ndef build_model():\n    return 1\n"
    program = plan({"m.py": text.encode()}, "m.py", "", Framework.TENSORFLOW)
    assert ast.unparse(program.tree.body[0]) == new


@pytest.mark.parametrize("call", ["merge([a], mode='concat')", "MaxoutDense(3)"])
def test_what_is_gone_names_the_modern_word(call):
    with pytest.raises(SubmissionError, match=r"use keras\.layers"):
        read(call)


ORDERED = "model = Sequential([Conv2D(6, 5, input_shape={shape}{more})])\nmodel.fit(0)\n"


@pytest.mark.parametrize(
    ("shape", "more", "first"),
    [("(1, 28, 28)", "", True), ("(28, 28, 1)", "", False), ("(1, 28, 28)", ", data_format='channels_last'", False)],
)
def test_a_channel_that_silently_comes_first_is_said(shape, more, first):
    text = HEAD + ORDERED.format(shape=shape, more=more)
    program = plan({"m.py": text.encode()}, "m.py", "", Framework.TENSORFLOW)
    assert ("set_image_data_format('channels_first')" in ast.unparse(program.tree)) is first
    assert any("channels_first is set" in note for note in program.notes) is first
