"""The program slice: what of a hand-in runs, which model is chosen, and what is refused rather than guessed."""

import ast
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.records.errors import SubmissionError
from harness.records.framework import Framework
from harness.slicing.parsing import parse
from harness.slicing.program import plan
from harness.slicing.text import Text, read_text, without_magics

KERAS = "from keras.models import Sequential, Model\nfrom keras.layers import *\nfrom keras.datasets import mnist\n"
TORCH = "import torch\nfrom torch import nn\nimport torchvision\n"
NET = """class Net(nn.Module):
    def __init__(self, hidden=120):
        super().__init__()
        self.a = nn.Linear(784, hidden)

    def forward(self, x):
        return self.a(x)
"""
TRAIN = "for x, y in loader:\n    net(x).backward()\n"


def program(text, framework=Framework.TORCH, hint="", name="model.py", **files):
    content = {path.replace("_py", ".py"): source.encode() for path, source in files.items()}
    return plan({**content, name: text.encode()}, name, hint, framework)


def kept(text, framework=Framework.TORCH, **options):
    """The statements that run, without the imports."""
    lines = ast.unparse(program(text, framework, **options).tree).splitlines()
    return [line for line in lines if line and not line.startswith(("import ", "from "))]


def refused(text, framework=Framework.TORCH, **options):
    with pytest.raises(SubmissionError) as caught:
        program(text, framework, **options)
    assert caught.value.expected and caught.value.try_
    return caught.value.found


def keras(body):
    return kept(KERAS + body, Framework.TENSORFLOW)


def test_training_data_and_plots_are_left_out():
    body = "(x, y), _ = mnist.load_data()\nmodel = Sequential()\nmodel.add(Dense(10))\nmodel.fit(x, y)\nplt.plot(x)\n"
    assert keras(body) == ["model = Sequential()", "model.add(Dense(10))"]


def test_what_a_student_says_about_parameters_is_kept_if_it_is_written_down():
    stated = "PARAMETERS = {'a': 94200, 'total': 94_200}\n"
    code = TORCH + NET + "net = Net()\n" + TRAIN
    assert "PARAMETERS = {'a': 94200, 'total': 94200}" in kept(code + stated)
    assert not any("PARAMETERS" in line for line in kept(code + "PARAMETERS = {'a': len(loader)}\n"))


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("model = Sequential()\nadd = model.add\nadd(Dense(10))\n", 3),
        ("m = Sequential()\nmodel = m\nm.add(Dense(10))\nmodel.add(Dense(5))\n", 4),
        ("model = Sequential()\n[model.add(layer) for layer in (Flatten(), Dense(10))]\n", 2),
        ("model = Sequential()\nfor n in (6, 16):\n    model.add(Dense(n))\n", 3),
        (
            "model = Sequential()\ni = 0\nwhile i < 3:\n    model.add(Dense(4))\n    i += 1\n    if i == 2:\n        break\n",
            7,
        ),
        ("model = Sequential()\ndef block(n):\n    model.add(Dense(n))\nblock(6)\nblock(16)\n", 5),
        ("model = Sequential()\ndef block(m, n):\n    m.add(Dense(n))\nblock(model, 6)\n", 4),
        ("model = Sequential()\ndef b():\n    global model\n    model.add(Dense(1))\nb()\n", 5),
        ("model = Sequential([Dense(1)])\nfor layer in model.layers[:1]:\n    layer.trainable = False\n", 3),
        ("model = Sequential([Dense(1)])\nlayer = model.layers[0]\nlayer.trainable = False\n", 3),
        ("s = 2\nf = lambda x: x * s\ns = 3\nmodel = Sequential([Lambda(f)])\n", 4),
    ],
)
def test_every_change_of_the_model_is_kept_whatever_it_is_called_by(body, lines):
    """Each of these lines was once lost, or could be: without it another model would be graded."""
    assert keras(body + "model.fit(0)\nprint(model)\n") == body.splitlines()
    assert len(body.splitlines()) == lines


@pytest.mark.parametrize(
    "freeze", ["conv.weight.requires_grad = False", "for p in conv.parameters():\n    p.requires_grad = False"]
)
def test_a_part_that_is_changed_later_is_changed_in_the_model(freeze):
    text = f"{TORCH}conv = nn.Conv2d(1, 6, 5)\nnet = nn.Sequential(conv)\nconv2 = 3\n{freeze}\n{TRAIN}"
    assert "\n".join(kept(text)[2:]) == freeze


@pytest.mark.parametrize(
    "change",
    ["Net.forward = other", "setattr(net, 'a', nn.Linear(784, 2))", "del net.a", "net.apply(start)", "net.a = 1"],
)
def test_classes_and_models_that_are_patched_stay_patched(change):
    text = f"{TORCH}{NET}net = Net()\n{change}\n{TRAIN}"
    assert kept(text)[-1] == change


def test_names_that_a_function_reads_later_are_kept_in_every_version():
    assert kept(TORCH + "width = 1\n" + NET.replace("hidden)\n", "width)\n", 1) + "width = 2\nnet = Net()\n" + TRAIN)[
        -2:
    ] == [
        "width = 2",
        "net = Net()",
    ]


def test_a_condition_is_kept_with_the_half_that_matters():
    body = "if K:\n    x = load(1)\n    shape = (1, 28, 28)\nelse:\n    shape = (28, 28, 1)\nmodel = Sequential([Input(shape)])\nmodel.fit(0)\n"
    assert keras("K = 0\n" + body)[1:5] == ["if K:", "    shape = (1, 28, 28)", "else:", "    shape = (28, 28, 1)"]


def test_a_builder_loses_its_compile_and_its_old_optimizer():
    body = "def build():\n    model = Sequential([Dense(1)])\n    opt = SGD(lr=1)\n    model.compile(opt)\n    return model\nmodel = build()\nmodel.fit(0)\n"
    assert keras(body)[:3] == ["def build():", "    model = Sequential([Dense(1)])", "    return model"]


@pytest.mark.parametrize(
    ("body", "expression"),
    [
        (NET + "net = Net().to(device)\n" + TRAIN, "net"),
        (NET + "net = Net()\nnet = nn.DataParallel(net)\n" + TRAIN, "net"),
        (NET + "model = train_model(Net())\n", "Net()"),
        (NET + "def run(loader):\n    net = Net(hidden=84)\n" + "    net.train()\n", "Net(hidden=84)"),
        (NET.replace("=120", ""), ""),
        (NET + "\n\nclass LeNet(Net):\n    pass\n\n\nclass Other(nn.Module):\n    pass\n", "LeNet()"),
        (NET + "if __name__ == '__main__':\n    net = Net(84)\n    net.fit(0)\n", "net"),
        (NET + "def main():\n    net = Net(84)\n    net.fit(0)\n    return net\nmain()\n", "net"),
        (NET + "for fold in range(5):\n    net = Net()\n    net.fit(0)\n", "net"),
        (
            "def build_model(num_classes):\n    return nn.Linear(784, num_classes)\nx.fit(0)\n",
            "build_model(num_classes=10)",
        ),
        ("class A:\n    def __init__(self):\n        self.net = nn.Sequential()\nA().fit(0)\n", "A().net"),
    ],
)
def test_the_model_is_found_by_reading(body, expression):
    text = TORCH + body
    if not expression:
        assert "only classes that need arguments: Net(hidden)" in refused(text)
    else:
        assert program(text).expression == expression


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (NET + "a = Net()\nb = Net(5)\na.fit(0)\nb.fit(0)\n", "2 module-level models: a (line 11), b (line 12)"),
        (
            NET + "net = Net()\nnet.fit(0)\n" + NET.replace("784", "700") + "net = Net()\nnet.fit(0)\n",
            "2 module-level models",
        ),
        (NET + "net = Net()\n" + TRAIN + "net.a = nn.Linear(1, 1)\n" + TRAIN, "changed after it was trained"),
        (NET + "for h in (1, 2):\n    net = Net(h)\n    net.fit(0)\n", "created again in each iteration of a loop"),
        (NET + "def f():\n    return train(Net(1)), train(Net(2))\n", "arguments that differ"),
        (NET + "def f(h):\n    return train(Net(h))\n", "known only at run time"),
        (NET + "net = Net(int(input()))\nnet.fit(0)\n", "the model depends on input()"),
        (NET + "net = Net(len(DataLoader(1)))\nnet.fit(0)\n", "the model depends on DataLoader()"),
        (
            NET + "def load_width():\n    return 3\nnet = Net(load_width())\nnet.fit(0)\n",
            "the model depends on load_width()",
        ),
        ("net = torch.load('net.pt')\nnet.eval()\n", "loaded from a file"),
    ],
)
def test_what_cannot_be_told_is_refused(body, words):
    assert words in refused(TORCH + body)


def test_what_comes_after_the_training_is_left_out_and_said():
    found = program(TORCH + NET + "net = Net()\n" + TRAIN + "net.a = nn.Linear(1, 1)\nprint(net)\n")
    assert "net.a" not in ast.unparse(found.tree)
    assert any("after its training are left out: line 14" in note for note in found.notes)


def test_a_file_that_only_defines_runs_as_it_is():
    text = "import os\nfrom torch import nn\n\nos.getpid()\n\n\ndef build_model():\n    return nn.Linear(784, 10)\n"
    found = program(text)
    assert (found.is_whole, found.expression, found.notes) == (True, "build_model()", ())
    assert "os.getpid()" in ast.unparse(found.tree)


@pytest.mark.parametrize("hint", ["Net(hidden=84)", "Net", "net"])
def test_a_hint_wins(hint):
    found = program(TORCH + NET + "def build_model():\n    return 1\nnet = Net()\nnet.fit(0)\n", hint=hint)
    assert found.expression == {"Net": "Net()"}.get(hint, hint)


@pytest.mark.parametrize("hint", ["Net(f())", "Net(", "lambda: 1", "Net() + 1", "Net(*a)", "(" * 300, "Net(x=y)"])
def test_a_hint_is_a_name_or_a_call_with_literals(hint):
    with pytest.raises(SubmissionError) as caught:
        program(TORCH + NET, hint=hint)
    assert "literal arguments" in caught.value.expected


def notebook(*cells):
    return json.dumps({"cells": [{"cell_type": "code", "source": cell} for cell in cells]})


def test_a_notebook_names_the_cell_and_its_line():
    text = read_text("hw.ipynb", notebook("import torch", "a = 1\nb = 2").encode())
    assert text.source.split("\n")[2] == "b = 2"
    assert text.place(3) == "hw.ipynb, code cell 2, line 2"


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"cells": 3}', b"[" * 100_000, b'{"cells": [1]}', b"\xff"])
def test_what_is_no_notebook_is_refused(content):
    with pytest.raises(SubmissionError):
        read_text("hw.ipynb", content)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("%matplotlib inline\nx = 1", "pass\nx = 1"),
        ("if a:\n    !ls\n", "if a:\n    pass\n"),
        ("x = (240\n  % 7)", "x = (240\n  % 7)"),
        ("x = 240 \\\n  % 7", "x = 240 \\\n  % 7"),
        ('s = """\n%d\n"""', 's = """\n%d\n"""'),
        ("files = !ls", "pass"),
        ("net?", "pass"),
        ("# %d\n%time x = 1", "# %d\npass"),
        ("pip install torch", "pass"),
        ("x = 'a' # it's\n%cd ..", "x = 'a' # it's\npass"),
    ],
)
def test_magics_are_replaced_where_a_statement_may_begin(source, expected):
    assert without_magics(source) == expected


@given(st.text(alphabet="ab=%!?#'\"()[]{}\\\n \t.", max_size=80))
@settings(max_examples=400, deadline=None)
def test_lines_keep_their_numbers_and_valid_python_its_meaning(source):
    stripped = without_magics(source)
    assert stripped.count("\n") == source.count("\n")
    try:
        tree = ast.dump(ast.parse(source))
    except (SyntaxError, ValueError):
        return
    assert ast.dump(ast.parse(stripped)) == tree


def test_print_statements_of_python_2_are_left_out():
    parsed = parse(Text("a.py", "x = 1\nif x:\n    print 'a', x\nprint x\n"))
    assert ast.unparse(parsed.tree) == "x = 1\nif x:\n    pass\npass"
    assert parsed.printed == (3, 4)


@pytest.mark.parametrize("source", ["print 'a'; x = 2\n", "print ('a' %\n (1))\nprint 'b' % (\n1)\n"])
def test_a_print_statement_that_is_not_alone_is_a_syntax_error(source):
    with pytest.raises(SyntaxError):
        parse(Text("a.py", source))


@pytest.mark.parametrize(
    "content", [b"x = '\xe9'\n", b"# \xc4\xe3\xba\xc3\nx = 1\n", "x = 1\n".encode("utf-16"), b"\xef\xbb\xbfx = 1"]
)
def test_other_encodings_are_read(content):
    assert ast.parse(read_text("a.py", content).source).body


def test_a_model_of_another_file_is_known():
    found = program("from nets import Net\nnet = Net()\nnet.fit(0)\n", nets_py=TORCH + NET)
    assert found.expression == "net"


@pytest.mark.parametrize("line", ["from .nets import Net", "from nets import Net", "from nets import *"])
def test_a_file_beside_it_is_imported_however_it_is_spelled(line):
    found = program(f"{line}\nnet = Net()\nnet.fit(0)\n", nets_py=TORCH + NET)
    assert (found.expression, "from nets import" in ast.unparse(found.tree)) == ("net", True)


def test_a_relative_import_that_leads_nowhere_is_left_out_where_it_is_not_needed():
    assert kept(TORCH + "from . import helpers\n" + NET + "net = Net()\n" + TRAIN)[-1] == "net = Net()"


def test_a_call_of_the_model_is_no_change_of_it():
    text = TORCH + NET + "net = Net()\nfor layer in net.children():\n    print(layer)\nnet(load(1))\n" + TRAIN
    assert kept(text)[-1] == "net = Net()"


def test_packages_in_a_try_are_not_made_up():
    assert program(TORCH + "try:\n    import apex\nexcept ImportError:\n    pass\n" + NET).optional == {"torchvision"}
