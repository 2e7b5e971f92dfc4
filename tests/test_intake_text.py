"""The controller's reading of the worst hints and sources we could think of: little time, little memory."""

import json
import subprocess
import sys
import time
import tracemalloc

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from intake_cost import MEBIBYTES, MEMORY, MODEL, SECONDS, measured, packed

from harness.handins.discover import MAX_BYTES, MAX_NOTEBOOK, take_in
from harness.handins.forms import MAX_HINT_FILE, find_hint
from harness.records.errors import SubmissionError
from harness.records.submission import SourceFile, Submission

HINTS = {
    "one dotted key": b"a" + b".a" * 20_000 + b" = 1",
    "one dotted table": b"[a" + b".a" * 20_000 + b"]",
    "arrays in arrays": b"a = " + b"[" * 40_000,
    "zeros": bytes(200 << 20),
    "one byte too much": b'entry = "model.py"'.ljust(MAX_HINT_FILE + 1, b"#"),
}


@pytest.mark.parametrize("name", list(HINTS))
@pytest.mark.parametrize("form", ["folder", "archive", "download"])
def test_a_hint_is_measured_before_it_is_read(tmp_path, name, form):
    files = {"model.py": MODEL, "submission.toml": HINTS[name]}
    if form == "archive":
        (tmp_path / "ada.zip").write_bytes(packed(files.items()))
    else:
        folder = tmp_path / ("ada" if form == "folder" else "Ada_1_assignsubmission_file_")
        folder.mkdir()
        for path, content in files.items():
            (folder / path).write_bytes(content)
        if form == "download":
            (tmp_path / "Ada_1_assignsubmission_file_notes.py").write_bytes(b"")
    told = measured(tmp_path)
    assert told["mebibytes"] < 64
    assert told["expected"] == 'one line such as entry = "model.py:Net(classes=10)" in submission.toml'
    assert told["found"] == "more than 1,024 bytes"
    assert "delete submission.toml" in told["try"]


@pytest.mark.parametrize("form", ["folder", "archive"])
def test_a_hint_as_long_as_it_may_be_is_read(tmp_path, form):
    files = {"a.py": MODEL, "b.py": MODEL, "submission.toml": b'entry = "b.py:Net()" '.ljust(MAX_HINT_FILE, b"#")}
    path = tmp_path / ("ada" if form == "folder" else "ada.zip")
    if form == "archive":
        path.write_bytes(packed(files.items()))
    else:
        path.mkdir()
        for name, content in files.items():
            (path / name).write_bytes(content)
    found = take_in(path)
    assert isinstance(found, Submission)
    assert (found.entry, found.hint) == ("b.py", "Net()")


TOML = [
    *(
        "a.",
        "a",
        "[",
        "]",
        "[a",
        "[[",
        "{",
        "{a=",
        "{a={a=",
        "=",
        "= ",
        "\n",
        '"',
        "'",
        '"""',
        "\\\\",
        '\\"',
        ",",
        "#",
        ".a",
    ),
    *(
        "1",
        "_1",
        "9e9",
        "0x",
        "1979-05-27T",
        "true",
        "entry",
        'entry = "',
        "[a.a]\n",
        "a.a=1\n",
        "\\u0041",
        " ",
        "\ufeff",
    ),
]


@given(st.lists(st.tuples(st.sampled_from(TOML) | st.text(max_size=3), st.integers(1, MAX_HINT_FILE)), min_size=1))
@settings(max_examples=300, deadline=None)
@example([("a.", 500), ("a=1", 1)])
@example([("a = ", 1), ("[", 1_000)])
@example([("a = ", 1), ("{a=", 300)])
@example([("[a.a]\n", 170)])
@example([("a = ", 1), ("9", 1_000)])
def test_no_hint_of_a_kibibyte_takes_long(parts):
    content = "".join(piece * count for piece, count in parts).encode()[:MAX_HINT_FILE]
    tracemalloc.start()
    started = time.process_time()
    try:
        find_hint([SourceFile("model.py", b"")], content)
    except SubmissionError as error:
        assert error.found
    seconds, (_, peak) = time.process_time() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 1
    assert peak < 10_000_000


PIECES = [
    *(" ", "\t", ",", "\n", '"', "\\n", ";", "import ", "import a,", "a,", "; import ", "from ", "from torch.", "\0"),
    *("class ", "class A(", "class A (", "class A(x,", "class A(Model ", "Model ", "Sequential ", "Dense ", "keras."),
    *("\\nimport ", "import torch\n", "class a(" + "b" * 150, "[" * 9 + '"', "lenet", "\r", "\ufeff"),
]


@pytest.mark.parametrize(
    ("begins", "suffix", "pieces"),
    [
        *((begins, ".py", PIECES) for begins in ("", "import ", "class ", "class A(")),
        ("import ", ".ipynb", [",", "import a,", "class A(", '"', "\\n"]),
    ],
)
def test_text_is_searched_in_linear_time_and_little_memory(tmp_path, begins, suffix, pieces):
    """Each piece fills a file up to its limit; one process searches them one after the other."""
    size = MAX_NOTEBOOK if suffix == ".ipynb" else MAX_BYTES
    program = f"""{MEMORY}
from harness.records.errors import SubmissionError
from harness.handins.forms import find_entry, find_framework
from harness.records.submission import SourceFile
took = {{}}
for piece in json.loads({json.dumps(json.dumps(pieces))}):
    text = ({begins!r}.encode() + piece.encode() * ({size} // len(piece.encode())))[:{size}]
    files = [SourceFile("a{suffix}", text), SourceFile("b.py", b"")]
    start = time.process_time()
    for search in (lambda: find_entry(files), lambda: find_framework(files, "a{suffix}")):
        try:
            search()
        except SubmissionError:
            pass
    took[piece] = time.process_time() - start
print(json.dumps([took, mebibytes("VmHWM")]))
"""
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=500, check=False)
    assert answer.returncode == 0, answer.stderr[-2000:]
    took, mebibytes = json.loads(answer.stdout)
    assert {piece: seconds for piece, seconds in took.items() if seconds > SECONDS / 3} == {}
    assert mebibytes < MEBIBYTES
