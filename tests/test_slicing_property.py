"""Whatever a program does to its model, the slice does too: random programs, run whole and run sliced."""

import ast
from textwrap import indent

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harness.records.errors import SubmissionError
from harness.records.framework import Framework
from harness.slicing.program import plan

HEAD = "from keras.models import Sequential\nfrom keras.layers import Dense\n"
NUMBERS = ("a", "b", "width")
MODELS = ("model", "net")


class Trained(Exception):
    """Training began; carries what the model was then."""


class Sequential:
    """A model that is nothing but its layers."""

    def __init__(self, layers=()):
        self.layers = list(layers)

    def add(self, layer):
        self.layers.append(layer)

    def pop(self):
        return self.layers.pop() if self.layers else None

    def summary(self):
        return None

    def fit(self, *_):
        raise Trained(self)


class Dense:
    """A layer that is nothing but its size."""

    def __init__(self, units):
        self.units = [units]
        self.trainable = True

    def __repr__(self):
        return f"{self.units}{self.trainable}"


number = st.one_of(st.sampled_from(NUMBERS), st.integers(1, 9).map(str))
sizes = st.one_of(
    number, st.builds("({} + {})".format, number, number), st.builds("sizes[{} % len(sizes)]".format, number)
)
model = st.sampled_from(MODELS)
simple = st.one_of(
    st.builds("{} = {}".format, st.sampled_from(NUMBERS), sizes),
    st.builds("{} += {}".format, st.sampled_from(NUMBERS), sizes),
    st.builds("{0}, {1} = {1}, {0}".format, st.sampled_from(NUMBERS), st.sampled_from(NUMBERS)),
    st.builds("sizes.append({})".format, sizes),
    st.builds("sizes[0] = {}".format, sizes),
    st.builds("{}.add(Dense({}))".format, model, sizes),
    st.builds("{}.add(layer)".format, model),
    st.builds("layer = Dense({})".format, sizes),
    st.builds("layer = {}.layers[-1] if {}.layers else layer".format, model, model),
    st.just("layer.trainable = False"),
    st.builds("layer.units.append({})".format, sizes),
    st.builds("{}.pop()".format, model),
    st.builds("{}.summary()".format, model),
    st.builds("print({}, {})".format, model, sizes),
    st.builds("{} = {}".format, model, model),
    st.builds("{} = Sequential()".format, model),
    st.builds("{} = Sequential([Dense({}), layer])".format, model, sizes),
    st.builds("grow({}, {})".format, model, sizes),
    st.builds("{} = make({})".format, model, sizes),
    st.just("extend()"),
    st.just("widen()"),
    st.builds("put = {}.add".format, model),
    st.builds("put(Dense({}))".format, sizes),
)


def compound(inner):
    block = st.lists(inner, min_size=1, max_size=3).map("\n".join)
    body = block.map(lambda text: indent(text, "    "))
    return st.one_of(
        st.builds("if {} > {}:\n{}".format, number, number, body),
        st.builds("if {} > {}:\n{}\nelse:\n{}".format, number, number, body, body),
        st.builds("for {} in range({}):\n{}".format, st.sampled_from(NUMBERS), st.integers(0, 3), body),
        st.builds("for layer in {}.layers[:2]:\n    layer.trainable = False\n    print(layer)".format, model),
        st.builds("for i in range(3):\n    if i == {}:\n        break\n{}".format, st.integers(0, 2), body),
        st.builds("try:\n{}\nexcept ValueError:\n{}".format, body, body),
        st.builds("with scope():\n{}".format, body),
    )


statement = st.one_of(simple, compound(simple), compound(st.one_of(simple, compound(simple))))
START = """
a, b, width = 1, 2, 3
sizes = [4, 5]
layer = Dense(a)
model = Sequential()
net = Sequential()
put = net.add


def grow(target, n):
    print(n)
    target.add(Dense(n + width))


def make(n):
    made = Sequential()
    made.add(Dense(n + width))
    made.summary()
    return made


def extend():
    model.add(Dense(sizes[0]))


def widen():
    global width
    width = width + 1

"""


class scope:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False


def names():
    return {"Sequential": Sequential, "Dense": Dense, "print": lambda *_: None, "scope": scope}


@given(st.lists(statement, min_size=1, max_size=12).map("\n".join), st.lists(statement, max_size=3).map("\n".join))
@settings(max_examples=100, deadline=None)
def test_the_slice_gives_the_model_that_the_program_trained(before, after):
    source = f"{HEAD}{START}{before}\nmodel.fit(0)\n{after}\n"
    try:
        exec(compile(f"{START}{before}\nmodel.fit(0)\n", "whole", "exec"), names())
    except Trained as trained:
        wanted = trained.args[0]
    except (IndexError, RecursionError):
        assume(False)
    try:
        program = plan({"model.py": source.encode()}, "model.py", "", Framework.TENSORFLOW)
    except SubmissionError:
        return  # refused rather than guessed
    tree = ast.Module([n for n in program.tree.body if not isinstance(n, ast.ImportFrom)], [])
    space = names()
    exec(compile(tree, "slice", "exec"), space)
    assert repr(eval(program.expression, space).layers) == repr(wanted.layers), ast.unparse(tree)
