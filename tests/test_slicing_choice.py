"""Which model is chosen where a program makes it by way of other names, objects and functions."""

import pytest
from test_slicing import NET, TORCH, TRAIN, kept, program, refused

MLP = NET.replace("Net", "MLP")


@pytest.mark.parametrize(
    ("made", "expression"),
    [
        ("NETS = {'a': MLP, 'lenet': Net}\nm = NETS['a']()\n", "m"),
        ("Small = partial(MLP, hidden=13)\nm = Small()\n", "m"),
        ("make = lambda h: MLP(h)\nm = make(3)\n", "m"),
        ("Chosen = Net\nChosen = MLP\nm = Chosen()\n", "m"),
        ("m = globals()['MLP']()\n", "m"),
    ],
)
def test_a_model_is_found_by_whatever_name_it_is_made(made, expression):
    code = TORCH + NET.replace("Net", "LeNet") + "Net = LeNet\n" + MLP + made
    assert program(code).expression == expression


def test_a_class_that_nothing_speaks_of_is_not_the_model():
    assert program(TORCH + NET.replace("Net", "LeNet") + MLP + "compare(MLP())\n").expression == "MLP()"


def test_what_a_lookup_may_find_is_kept():
    assert "class MLP(nn.Module):" in kept(TORCH + MLP + "m = globals()[input_name]()\ninput_name = 'MLP'\n" + TRAIN)


HOLDER = "class Trainer:\n    def __init__(self, hidden=120):\n        self.net = Net(hidden)\n"


@pytest.mark.parametrize(
    ("use", "expression"),
    [
        ("t = Trainer(84)\nt.fit()\n", "t.net"),
        ("Trainer(hidden=84).fit()\n", "Trainer(hidden=84).net"),
        ("", "Trainer().net"),
    ],
)
def test_an_object_that_keeps_a_model_is_made_as_the_file_makes_it(use, expression):
    assert program(TORCH + NET + HOLDER + use).expression == expression


def test_an_object_that_keeps_two_models_is_refused():
    two = HOLDER + "        self.other = Net(hidden // 2)\n"
    assert refused(TORCH + NET + two) == "2 models in Trainer: self.net, self.other"


@pytest.mark.parametrize(
    ("use", "word"),
    [
        ("NeuralNetClassifier(Net, module__hidden=60)\n", "module__hidden"),
        ("search(Net, {'hidden': [30, 60]})\n", "hidden"),
        ("search(Net, lr=0.1)\n", ""),
    ],
)
def test_what_is_handed_on_must_not_get_other_arguments(use, word):
    if word:
        assert refused(TORCH + NET + use) == f"Net is passed on, and its {word} is set elsewhere (line 11)"
    else:
        assert program(TORCH + NET + use).expression == "Net()"


def test_layers_that_training_would_put_into_the_model_are_refused():
    work = "def train_all(m):\n    m.a = nn.Linear(784, 3)\n    m(1).backward()\n"
    found = "net gets other layers inside train_all(), which is never called (line 15)"
    assert refused(TORCH + NET + work + "net = Net()\ntrain_all(net)\n") == found
    own = "def run():\n    net = nn.Sequential()\n    net.append(nn.Linear(784, 3))\n"
    assert program(TORCH + NET + own + "net = Net()\nrun()\nnet.fit(0)\n").expression == "net"
    harmless = work.replace("m.a = nn.Linear(784, 3)", "m.loss = nn.CrossEntropyLoss()")
    assert program(TORCH + NET + harmless + "net = Net()\ntrain_all(net)\n").expression == "net"


def test_the_model_that_an_optimizer_has_is_the_one_that_is_trained():
    loop = "opt = torch.optim.Adam(small.parameters())\nfor x in loader:\n    (lenet(x) - small(x)).backward()\n"
    assert program(TORCH + NET + "lenet = Net()\nsmall = Net(3)\n" + loop).expression == "small"


def test_a_name_that_decided_is_told():
    code = TORCH + NET.replace("Net", "LeNet") + MLP
    assert program(code).notes == ("LeNet is chosen for its name, not MLP",)


@pytest.mark.parametrize("call", ["random.choice([32, 64])", "random.randint(3, 9)"])
def test_a_size_out_of_pythons_dice_is_refused(call):
    assert call.partition("(")[0] in refused(TORCH + "import random\n" + NET + f"net = Net({call})\n" + TRAIN)


@pytest.mark.parametrize(
    "setting", ["    global hidden\n    hidden = 3\n", "    cfg['hidden'] = 3\n", "    args.hidden = 3\n"]
)
def test_what_a_function_that_is_never_called_would_set_is_refused(setting):
    head = "hidden = 9\ncfg = {'hidden': 9}\nargs = Args(hidden=9)\ndef load_settings():\n" + setting
    made = "load_settings()\nnet = Net(hidden + cfg['hidden'] + args.hidden)\n" + TRAIN
    assert "which the model depends on, is set inside load_settings()" in refused(TORCH + NET + head + made)
    other = head.replace("    cfg['hidden']", "    cfg['lr']").replace("    args.hidden", "    args.lr")
    if other != head:
        assert program(TORCH + NET + other + made).expression == "net"


@pytest.mark.parametrize(
    ("loop", "expression"),
    [
        ("for lr in (1, 2):\n    net = nn.Sequential()\n    net.append(nn.Linear(784, 10))\n    net.fit(lr)\n", "net"),
        ("for i in (1, 2):\n    net = Net()\n    net.a = nn.Linear(784, 9)\n    train(net)\n", "net"),
        ("for n in (1, 2):\n    net = nn.Sequential()\n    net.append(nn.Linear(784, n))\n    net.fit(0)\n", ""),
        ("for i in (1, 2):\n    net = Net()\n    train(net)\n    net.a = nn.Linear(784, 9)\n", ""),
    ],
)
def test_a_loop_whose_rounds_make_one_model_is_one_round(loop, expression):
    if expression:
        choice = program(TORCH + NET + loop)
        assert (choice.expression, any("for " in line for line in choice.shown().split("\n"))) == (expression, False)
    else:
        assert "created again in each iteration" in refused(TORCH + NET + loop)


def test_a_function_that_knows_the_model_keeps_what_it_writes_into_it():
    shrink = "def shrink():\n    net.a = nn.Linear(784, 3)\n    log['size'] = 3\n"
    lines = kept(TORCH + NET + shrink + "log = {}\nnet = Net()\nshrink()\n" + TRAIN)
    assert "    net.a = nn.Linear(784, 3)" in lines
    assert not any("log" in line for line in lines)


def test_a_class_of_methods_alone_keeps_those_that_are_called():
    maker = "class Maker:\n    def make(self, n=3):\n        return Net(n)\n    def other(self):\n        return 1\n"
    lines = kept(TORCH + NET + maker + "maker = Maker()\nnet = maker.make(5)\n" + TRAIN)
    assert "    def make(self, n=3):" in lines and not any("other" in line for line in lines)
