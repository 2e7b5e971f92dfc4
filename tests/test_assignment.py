"""Assignment files: what they set, and that every problem is told at once, with its line."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.experiments.training import run_keys
from harness.records.checks import Findings
from harness.records.engine import Engine
from harness.records.errors import ExitCode, UsageError
from harness.records.framework import Framework
from harness.records.verdict import Verdict
from harness.tasks.assignment import PRESETS, Assignment, Budget, load_assignment

EXAMPLE = Path(__file__).parents[1] / "submissions" / "assignment.toml"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "assignment.toml"


def load(file: Path, text: str | bytes) -> Assignment:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_assignment(file)


def refusal(file: Path, text: str | bytes) -> UsageError:
    with pytest.raises(UsageError) as caught:
        load(file, text)
    assert caught.value.exit_code is ExitCode.USAGE
    assert str(file) in caught.value.expected
    return caught.value


@pytest.mark.parametrize("text", ["", "# nothing\n", "[assignment]\n[budget]\n[limits]\n", b"\xef\xbb\xbf[budget]\r\n"])
def test_empty_assignment_is_lenet5_under_the_standard_budget(file, text):
    assignment = load(file, text)
    assert assignment == Assignment()
    assert assignment.budget == PRESETS["standard"]
    assert (assignment.budget.epochs, assignment.budget.seeds) == (3, 3)


@pytest.mark.parametrize(("preset", "epochs", "seeds"), [("quick", 1, 1), ("standard", 3, 3), ("final", 10, 5)])
def test_preset_sets_epochs_and_seeds(file, preset, epochs, seeds):
    budget = load(file, f'[budget]\npreset = "{preset}"').budget
    assert (budget.epochs, budget.seeds) == (epochs, seeds)
    assert Assignment().with_preset(preset).budget == budget


def test_fields_override_the_preset_wherever_they_stand(file):
    budget = load(
        file, '[budget]\nseeds = 2\nlearning_rate = 1\npreset = "final"\noptimizer = "sgd"\nmomentum = 0.9'
    ).budget
    assert (budget.epochs, budget.seeds, budget.optimizer, budget.momentum) == (10, 2, "sgd", 0.9)
    assert isinstance(budget.learning_rate, float)


def test_another_preset_changes_epochs_and_seeds_alone(file):
    assignment = load(file, "[budget]\nbatch_size = 32\noptimizer = 'sgd'\nepochs = 7\nseeds = 7")
    budget = assignment.with_preset("quick").budget
    assert (budget.epochs, budget.seeds, budget.batch_size, budget.optimizer) == (1, 1, 32, "sgd")
    assert assignment.with_preset(None) == assignment


def test_every_section_is_read(file):
    assignment = load(
        file,
        """
        [assignment]
        title = "Übung 3"
        architecture = "free"
        max_parameters = 100_000
        own_design = ["gwen", "hugo_*"]
        files = ["lenet*.py", "*.ipynb"]
        [limits]
        build_seconds = 5
        memory_mib = 512
        [findings]
        pretrained = "flag"
        unmoved = "fail"
        """,
    )
    assert assignment.findings == Findings(pretrained="flag", unmoved="fail")
    assert (assignment.title, assignment.max_parameters) == ("Übung 3", 100_000)
    assert assignment.own_design == ("gwen", "hugo_*")
    assert assignment.files == ("lenet*.py", "*.ipynb")
    assert (assignment.limits.build_seconds, assignment.limits.memory_mib) == (5.0, 512)
    assert assignment.limits.train_seconds == 1800


def test_example_assignment_is_valid():
    assert load_assignment(EXAMPLE).title


@pytest.mark.parametrize(
    ("architecture", "patterns", "must_match"),
    [
        ("match", (), True),
        ("free", (), False),
        ("match", ("gwen",), False),
        ("match", ("gw*",), False),
        ("match", ("[a-g]wen", "x"), False),
        ("match", ("Gwen",), True),
        ("match", ("gwe",), True),
        ("match", ("?",), True),
        ("free", ("someone",), False),
    ],
)
def test_own_design_frees_the_submissions_it_names(architecture, patterns, must_match):
    assert Assignment(architecture=architecture, own_design=patterns).must_match("gwen") is must_match


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[budgets]\nepochs = 3", "line 1: unknown section [budgets] (did you mean budget?)"),
        ("[x]", "line 1: unknown section [x] (known: assignment, budget, limits, findings, points)"),
        ("# a\n\n[[budget]]\nepochs = 3", "line 3: [budget] must be a section"),
        ("budget = 3", "line 1: [budget] must be a section"),
        ('title = "x"', "line 1: unknown section [title] (known: assignment, budget, limits, findings, points)"),
        ("[budget]\nepoch = 3", "line 2: unknown epoch (did you mean epochs?)"),
        ("[budget]\n'batchsize' = 3", "line 2: unknown batchsize (did you mean batch_size?)"),
        ("[assignment]\nepochs = 3\n[budget]\nepochs = 4", "line 2: unknown epochs (known: title, dataset"),
        ("[budget]\nepochs = 4\n[limits]\nepochs = 3", "line 4: unknown epochs (known: build_seconds"),
        ("[assignment]\nbudget = {epochs = 3}", "line 2: unknown budget (known: title"),
        ("[limits]\nmemory = 3", "line 2: unknown memory (did you mean memory_mib?)"),
        ('[budget]\nepochs = "3"', "line 2: epochs must be a whole number, found '3'"),
        ("[budget]\nepochs = 3.0", "line 2: epochs must be a whole number, found 3.0"),
        ("[budget]\nepochs = true", "line 2: epochs must be a whole number, found True"),
        ("[budget]\nlearning_rate = false", "line 2: learning_rate must be a number, found False"),
        ("[budget]\nlearning_rate = []", "line 2: learning_rate must be a number, found []"),
        ("[assignment]\ntitle = 3", "line 2: title must be text, found 3"),
        ("[assignment]\ntitle = 1979-05-27", "line 2: title must be text"),
        ('[assignment]\nown_design = "gwen"', "line 2: own_design must be a list of names, found 'gwen'"),
        ("[assignment]\nfiles = 'lenet.py'", "line 2: files must be a list of names, found 'lenet.py'"),
        ('[assignment]\nfiles = ["*.py", "*.txt"]', "line 2: files must name .py or .ipynb files, found '*.txt'"),
        ("[assignment]\nown_design = [1]", "line 2: own_design must be a list of names, found [1]"),
        ("[assignment]\nmax_parameters = 1e5", "line 2: max_parameters must be a whole number"),
        ("[assignment]\nmax_parameters = 0", "line 2: max_parameters must be more than 0, found 0"),
        ("[budget]\nepochs = 0", "line 2: epochs must be more than 0, found 0"),
        ("[budget]\nseeds = -1", "line 2: seeds must be more than 0, found -1"),
        ("[budget]\nseeds = 61", "line 2: seeds must be at most 60, found 61"),
        ("[budget]\nepochs = 10000000000", "line 2: epochs must be at most 1,000,000,000"),
        ("[budget]\nbatch_size = 0", "line 2: batch_size must be more than 0, found 0"),
        ("[budget]\nvalidation_images = -1", "line 2: validation_images must be at least 0, found -1"),
        ('[budget]\nscaling = "255"', "line 2: scaling must be unit or none, found '255'"),
        ("[budget]\nlearning_rate = nan", "line 2: learning_rate must be more than 0, found nan"),
        ("[budget]\nlearning_rate = inf", "line 2: learning_rate must be at most 1,000,000,000, found inf"),
        ("[limits]\ntrain_seconds = inf", "line 2: train_seconds must be at most 1,000,000,000, found inf"),
        (f"[budget]\nlearning_rate = {10**400}", "line 2: learning_rate must be at most 1,000,000,000"),
        ("[budget]\nmomentum = 1", "line 2: momentum must be at least 0 and less than 1, found 1"),
        ("[budget]\nbeta_1 = -0.1", "line 2: beta_1 must be at least 0 and less than 1, found -0.1"),
        ("[limits]\nbuild_seconds = 0", "line 2: build_seconds must be more than 0, found 0"),
        ('[budget]\npreset = "fast"', "line 2: preset must be quick or standard or final, found 'fast'"),
        ('[budget]\noptimizer = "Adam"', "line 2: optimizer must be adam or sgd, found 'Adam'"),
        ('[assignment]\ndataset = "fashion"', "line 2: dataset must be mnist or fashion-mnist, found 'fashion'"),
        ('[assignment]\narchitecture = "any"', "line 2: architecture must be match or free, found 'any'"),
        ("[findings]\nhiden = 'fail'", "line 2: unknown hiden (did you mean hidden?)"),
        ("[finding]\nhidden = 'fail'", "line 1: unknown section [finding] (did you mean findings?)"),
        ("[findings]\nhidden = 'warn'", "line 2: hidden must be fail or flag, found 'warn'"),
        ("[findings]\nunmoved = true", "line 2: unmoved must be text, found True"),
        ('[assignment]\nreference = "resnet"', "line 2: reference must be lenet5, found 'resnet'"),
        (
            "[budget]\ntrain_images = 60_000",
            "line 2: 60,000 training and 5,000 validation images exceed the 60,000",
        ),
        ("[budget]\n\nvalidation_images = 5001", "line 3: 55,000 training and 5,001 validation images exceed"),
    ],
)
def test_problem_is_told_with_its_line(file, text, message):
    found = refusal(file, text).found
    assert found.startswith(message)
    assert found.count("line") == 1


def test_all_problems_are_told_at_once(file):
    found = refusal(
        file,
        "[bugdet]\n[assignment]\ntitle = 1\n[budget]\nepochs = 0\nsede = 1\n[limits]\nmemory_mib = 0\n[findings]\nhidden = 0\n",
    ).found
    lines = [problem.split(":")[0] for problem in found.split("; ")]
    assert lines == ["line 1", "line 3", "line 5", "line 6", "line 8", "line 10"]
    assert "did you mean budget?" in found
    assert "did you mean seeds?" in found


def test_train_and_validation_images_may_be_all_there_are(file):
    assert load(file, "[budget]\ntrain_images = 59_999\nvalidation_images = 1").budget.train_images == 59_999


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[assignment]\narchitecture = free", "line 2"),
        ("[budget\n", "line 1"),
        ("[budget]\nepochs = 1\nepochs = 2\n", "line 3"),
        ("[budget]\n[budget]", "line 2"),
        ("[budget]\nepochs = " + "9" * 5000, "digits"),
        ("a = " + "[" * 5000, ""),
    ],
)
def test_syntax_error_is_told_with_its_place(file, text, found):
    error = refusal(file, text)
    assert error.expected.startswith("TOML in")
    assert found in error.found


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (lambda file: None, "No such file"),
        (lambda file: file.mkdir(), "Is a directory"),
        (lambda file: file.write_bytes(b"\x89PNG\r\n\x1a\n\x00\xff"), "can't decode byte"),
        (lambda file: file.write_text("[budget]", encoding="utf-16"), "can't decode byte"),
        (lambda file: file.symlink_to(file), "symbolic link"),
    ],
)
def test_file_that_cannot_be_read_is_a_usage_error(file, make, found):
    make(file)
    with pytest.raises(UsageError) as caught:
        load_assignment(file)
    assert found in caught.value.found
    assert str(file) in caught.value.expected


CHANGES = {
    "epochs": 4,
    "batch_size": 64,
    "optimizer": "sgd",
    "learning_rate": 0.01,
    "schedule": "constant",
    "momentum": 0.5,
    "beta_1": 0.8,
    "beta_2": 0.99,
    "epsilon": 1e-7,
    "train_images": 50_000,
    "validation_images": 1_000,
    "scaling": "none",
}


@pytest.mark.parametrize("field", CHANGES)
def test_digests_tell_budgets_apart_by_every_field(field):
    changed = Budget(**{field: CHANGES[field]})
    assert changed.digest != Budget().digest
    assert changed.run_digest != Budget().run_digest


def test_digests_of_the_presets_are_those_of_older_stores():
    """A field that is new and says what was done before leaves boards what they were."""
    older = {name: replace(budget, engine="framework") for name, budget in PRESETS.items()}
    digests = {name: (budget.digest[:12], budget.run_digest[:12]) for name, budget in older.items()}
    assert digests == {
        "quick": ("d40449f0204f", "54c05b3ea488"),
        "standard": ("83104aaeaa75", "0a07a2fcb09c"),
        "final": ("fe34bab1901b", "8adfdffab96d"),
    }


def test_who_trains_is_part_of_both_digests():
    budgets = [Budget(engine=engine) for engine in ("auto", "compiled", "framework")]
    for digests in ([b.digest for b in budgets], [b.run_digest for b in budgets]):
        assert len(set(digests)) == 3


def test_budget_says_who_trains_where_that_was_chosen():
    assert "engine" not in Budget().sentence()
    assert Budget(engine="compiled").sentence().endswith("3 seeds, only by the compiled engine.")
    assert Budget(engine="framework").sentence().endswith("3 seeds, each model by its own framework.")


def test_another_engine_is_told_with_the_choices(file):
    assert load(file, '[budget]\nengine = "compiled"').budget.engine == "compiled"
    with pytest.raises(UsageError, match="engine must be auto or compiled or framework, found 'llvm'"):
        load(file, '[budget]\nengine = "llvm"')


def test_what_trains_a_model_is_part_of_its_runs_keys():
    verdict = Verdict("m", Framework.TORCH, (), fingerprint="f", weight_digests=("w",))
    assert len({run_keys(verdict, Framework.TORCH, Budget(), engine=engine)[0] for engine in Engine}) == 2


def test_another_data_set_is_another_board():
    assert Assignment().budget_digest == Budget().digest
    assert Assignment(dataset="fashion-mnist").budget_digest != Budget().digest


def test_runs_on_another_data_set_or_scale_are_other_runs():
    verdict = Verdict("m", Framework.TORCH, (), fingerprint="f", weight_digests=("w",))
    keys = {
        run_keys(verdict, Framework.TORCH, budget, dataset=dataset)[0]
        for budget in (Budget(), Budget(scaling="none"))
        for dataset in ("mnist", "fashion-mnist")
    }
    assert len(keys) == 4


def test_number_of_seeds_changes_the_boards_digest_but_not_a_runs():
    assert Budget(seeds=5).digest != Budget(seeds=3).digest
    assert Budget(seeds=5).run_digest == Budget(seeds=3).run_digest


def test_equal_budgets_written_differently_have_one_digest(file):
    written = load(file, "[budget]\nlearning_rate = 0.0030\nmomentum = 0\nepochs = 3\ntrain_images = 55_000").budget
    assert written.digest == Budget().digest


@pytest.mark.parametrize(
    ("budget", "sentence"),
    [
        (
            Budget(),
            "3 epochs of 55,000 MNIST images, batch size 128, adam with learning rate 0.003 falling to 0, 3 seeds.",
        ),
        (
            Budget(schedule="constant"),
            "3 epochs of 55,000 MNIST images, batch size 128, adam with learning rate 0.003, 3",
        ),
        (
            Budget(scaling="none", optimizer="sgd", momentum=0.9, schedule="constant"),
            "3 epochs of 55,000 MNIST images not divided by 255, batch size 128, sgd with learning rate 0.003 and momentum"
            " 0.9, 3 seeds.",
        ),
        (Budget(epochs=1, seeds=1, optimizer="sgd"), "1 epoch of 55,000 MNIST images, batch size 128, sgd with"),
    ],
)
def test_budget_is_told_in_a_sentence(budget, sentence):
    assert budget.sentence().startswith(sentence)


KEYS = st.sampled_from(
    ["assignment", "budget", "limits", "epochs", "title", "preset", "own_design", "seeds", "x", '"a b"']
)
VALUES = st.sampled_from(
    ["1", "-1", "0", "1e3", "nan", '"quick"', '"x"', "true", "[]", "{}", "1979-05-27", "[1, 2]", ""]
)
LINES = st.one_of(
    st.builds("[{}]".format, KEYS),
    st.builds("[[{}]]".format, KEYS),
    st.builds("{} = {}".format, KEYS, VALUES),
    st.text(max_size=10),
)


@given(st.lists(LINES, max_size=8))
@settings(deadline=None, max_examples=150)
def test_any_text_is_an_assignment_or_a_usage_error(tmp_path_factory, lines):
    file = tmp_path_factory.getbasetemp() / "any.toml"
    file.write_text("\n".join(lines), encoding="utf-8", errors="surrogatepass", newline="")
    try:
        assignment = load_assignment(file)
    except UsageError as error:
        assert error.found
        return
    assert assignment.budget.epochs > 0
    assert assignment.budget.digest != assignment.budget.run_digest
