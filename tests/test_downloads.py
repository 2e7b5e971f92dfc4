"""Downloads of learning-management systems: several files of one student, and files handed in again."""

import zipfile

import pytest

from harness.handins.discover import discover, take_in
from harness.handins.downloads import hand_ins, read_name
from harness.records.submission import Rejected, Submission

MODEL = "from torch import nn\n\n\nclass Net(nn.Module):\n    pass\n"
ROSTER = "Name,Email,ID\nAda Lovelace,alovelace@uni.edu,12345\nBen Okri,ben@uni.edu,777\n"


@pytest.mark.parametrize(
    ("entry", "student", "number"),
    [
        ("Ada Lovelace_12345_assignsubmission_file_", "Ada Lovelace", "12345"),
        ("Ada Lovelace_12345_assignsubmission_file_model.py", "Ada Lovelace", "12345"),
        ("lovelaceada_123_456_model", "lovelaceada", "123"),
        ("lovelaceada_LATE_123_456_model-1", "lovelaceada", "123"),
        ("submission_123456", "", "123456"),
    ],
)
def test_names_of_downloads_are_read(entry, student, number):
    handed = read_name(entry)
    assert (handed.student, handed.number) == (student, number)


@pytest.mark.parametrize("entry", ["ada", "my_model_2", "lenet5_torch", "submission_x", "_1_2_x", ""])
def test_other_names_are_left_alone(entry):
    assert read_name(entry) is None


def test_entries_of_one_student_are_one_hand_in():
    canvas = ["adal_12_400_model-1.py", "adal_12_401_layers.py", "adal_LATE_12_500_model-2.py"]
    others = ["adal_13_402_model.py", "ben.py", "ben_2.py", "submission_1", "submission_2"]
    assert hand_ins([*canvas, *others]) == [tuple(canvas), *((name,) for name in others)]


@pytest.fixture
def download(tmp_path):
    """Writes entries of a download, and reads them with the roster."""

    def read(patterns=(), **files):
        folder = tmp_path / "class"
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content, encoding="utf-8")
        (tmp_path / "roster.csv").write_text(ROSTER, encoding="utf-8")
        return discover(folder, tmp_path / "roster.csv", patterns)

    return read


def test_the_newest_of_what_was_handed_in_again_is_read(download):
    newest = f"{MODEL}# 3\n"
    ada, ben = download(
        **{
            "lovelaceada_12345_400_model.py": f"{MODEL}# 1\n",
            "lovelaceada_12345_455_model-1.py": f"{MODEL}# 2\n",
            "lovelaceada_LATE_12345_1001_model-10.py": newest,
        }
    )
    assert (ada.name, [(file.path, file.content.decode()) for file in ada.files]) == (
        "Ada Lovelace",
        [("model.py", newest)],
    )
    assert ada.notes == ("model.py was handed in 3 times; the newest is used: lovelaceada_LATE_12345_1001_model-10.py",)
    assert (ben.name, ben.check.found) == ("Ben Okri", "nothing was handed in")


def test_several_files_of_one_student_are_a_folder_of_the_names_that_they_gave(download):
    ada, _ = download(
        **{
            "lovelaceada_12345_400_lenet-1.py": "from blocks import Net\nfrom torch import nn\nmodel = Net()\n",
            "lovelaceada_12345_401_blocks-1.py": MODEL,
            "lovelaceada_12345_402_model.py": MODEL,
        }
    )
    assert (ada.entry, [file.path for file in ada.files]) == ("model.py", ["blocks.py", "lenet.py", "model.py"])
    assert ada.notes == ()


@pytest.mark.parametrize(
    "names", [("model-1.py", "model.py"), ("model-1.py", "model-1.py")], ids=["older by its name", "alike"]
)
def test_an_order_that_the_names_do_not_tell_is_refused(download, names):
    first, second = names
    ada, _ = download(**{f"lovelaceada_12345_400_{first}": MODEL, f"lovelaceada_12345_455_{second}": f"{MODEL}#\n"})
    assert isinstance(ada, Rejected)
    assert ada.check.found.startswith("2 whose names do not show their order: lovelaceada_12345_400_")


def test_moodle_writes_texts_and_files_of_a_student_apart(download):
    ada, ben = download(
        **{
            "Ada Lovelace_999_assignsubmission_file_/model.py": MODEL,
            "Ada Lovelace_999_assignsubmission_onlinetext_/onlinetext.html": "<p>see my file</p>",
            "Ben Okri_998_assignsubmission_file_net.py": MODEL,
            "Ben Okri_998_assignsubmission_file_train.py": "from net import Net\nNet()\n",
        }
    )
    assert [(item.name, item.entry, len(item.files)) for item in (ada, ben)] == [
        ("Ada Lovelace", "model.py", 1),
        ("Ben Okri", "net.py", 2),
    ]


def test_an_archive_beside_files_is_a_folder_of_its_own(download, tmp_path):
    (tmp_path / "class").mkdir()
    with zipfile.ZipFile(tmp_path / "class" / "lovelaceada_12345_7_hw.zip", "w") as archive:
        archive.writestr("model.py", MODEL)
    ada, _ = download(**{"lovelaceada_12345_8_extra.py": "x = 1\n"})
    assert ([file.path for file in ada.files], ada.entry) == (["extra.py", "hw/model.py"], "hw/model.py")


def test_two_entries_of_moodle_with_one_path_are_refused(download):
    ada, _ = download(
        **{
            "Ada Lovelace_999_assignsubmission_file_/model.py": MODEL,
            "Ada Lovelace_999_assignsubmission_file_model.py": MODEL,
        }
    )
    assert ada.check.found == "two named model.py"


CANDIDATES = dict.fromkeys(("a.py", "b.py", "src/LeNet_final.py", "hw.ipynb"), MODEL)


@pytest.mark.parametrize(
    ("patterns", "entry"),
    [
        (("lenet*.py", "*.ipynb"), "src/LeNet_final.py"),
        (("lenet5.py", "*.ipynb"), "hw.ipynb"),
        (("src/*.py",), "src/LeNet_final.py"),
        (("?.py", "hw.ipynb"), None),
        (("net.py",), "src/LeNet_final.py"),
    ],
)
def test_the_assignment_says_which_file_defines_the_model(tmp_path, patterns, entry):
    for name, content in CANDIDATES.items():
        (tmp_path / "ada" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "ada" / name).write_text(content)
    found = take_in(tmp_path / "ada", patterns=patterns)
    if entry:
        assert isinstance(found, Submission)
        assert found.entry == entry
    else:
        assert (found.check.expected, found.check.found) == ("one ?.py", "2 files: a.py, b.py")


def test_of_several_that_a_pattern_names_the_one_with_a_model_is_taken(tmp_path):
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "lenet_model.py").write_text(MODEL)
    (tmp_path / "ada" / "lenet_plots.py").write_text("import torch\n")
    found = take_in(tmp_path / "ada", patterns=("lenet*.py",))
    assert isinstance(found, Submission)
    assert found.entry == "lenet_model.py"


def test_a_pattern_that_names_none_is_told(tmp_path):
    (tmp_path / "ada").mkdir()
    for name in ("a.py", "b.py"):
        (tmp_path / "ada" / name).write_text(MODEL)
    check = take_in(tmp_path / "ada", patterns=("hw3*.py", "*.ipynb")).check
    assert (check.expected, check.found) == (
        "one file named like hw3*.py or *.ipynb",
        "2 files that define a model: a.py, b.py",
    )


def test_one_file_is_taken_whatever_its_name(tmp_path):
    (tmp_path / "solution.py").write_text(MODEL)
    assert isinstance(take_in(tmp_path / "solution.py", patterns=("lenet*.py",)), Submission)
