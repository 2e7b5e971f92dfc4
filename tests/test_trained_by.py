"""What a report says of what trained a model, and of models that the framework did not confirm."""

import json
from dataclasses import replace

from example_board import board, ranked, shown

from harness.records.engine import Engine
from harness.reports import wording
from harness.reports.html import board_html
from harness.reports.machine import board_json
from harness.reports.markdown import board_markdown
from harness.reports.spreadsheet import board_csv
from harness.reports.student import student_pages
from harness.reports.terminal import board_table


def test_the_row_says_what_trained_it_and_the_board_which_models_the_framework_did_not_confirm() -> None:
    compiled = ranked("ada", (1, 1), 0.98)
    own = replace(compiled, submission="ben", engine=Engine.FRAMEWORK, distrust="it differs")
    assert [wording.time_and_engine(row) for row in (compiled, own)] == ["42 s (compiled)", "42 s (PyTorch)"]
    assert wording.time_and_engine(replace(compiled, engine=None)) == "42 s"
    (told,) = wording.distrusted(replace(board(), rows=(compiled, own, replace(own, submission="chloe"))))
    assert told.startswith("ben and chloe: trained by PyTorch and not by the compiled engine: it differs.")
    assert told.endswith(f"send this fingerprint to the maintainers: {own.fingerprint}.")
    for text in (board_markdown(board()), board_html(board()), shown(board_table(board()), 190)):
        assert "compiled" in text and "trained by PyTorch and not by" in text
    assert "<dt>trained by</dt><dd>compiled</dd>" in student_pages(board())["ada_torch_class.html"]


def test_accuracy_in_the_framework_is_a_column_where_it_was_measured() -> None:
    two = ranked("ada", (1, 1), 0.98, cross_accuracy=0.9812), ranked("ben", (2, 2), 0.97)
    crossed = replace(board(), rows=two, pairs=())
    assert "seed 0 by framework" not in board_markdown(board())
    assert "seed 0 by framework" in board_markdown(crossed)
    assert "98.12 %" in shown(board_table(crossed), 190) and "compiled,0.9812" in board_csv(crossed)
    assert [row["cross_accuracy"] for row in json.loads(board_json(crossed))["rows"]] == [0.9812, None]
