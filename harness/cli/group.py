"""The `harness` command: its commands in one group, errors as messages and exit codes.

Heavy modules are imported inside the commands, because a student waits for `check`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import click

from harness import __version__
from harness.cli.check import check
from harness.cli.doctor import doctor
from harness.cli.exits import Stopped, code_in_the_end, stoppable, take_streams, tell, tell_fault, tell_stop
from harness.cli.explain import explain
from harness.cli.grade import grade
from harness.cli.predict import predict
from harness.cli.report import report
from harness.cli.reproduce import reproduce
from harness.cli.study import study
from harness.records.errors import ExitCode, HarnessError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """Grade and benchmark student LeNet-5 models: the graph, not the code, is trained."""


for each in (check, doctor, explain, grade, predict, report, reproduce, study):
    cli.add_command(each)


def _guarded(command: Callable[[], Any]) -> int:
    """The one place where errors, signals and our own faults become messages and exit codes."""
    with stoppable():
        try:
            command()
        except HarnessError as error:
            tell(error)
            return error.exit_code
        except (click.exceptions.Abort, KeyboardInterrupt):
            return tell_stop(ExitCode.INTERRUPTED)
        except Stopped as stopped:
            return tell_stop(stopped.exit_code)
        except click.ClickException as error:
            error.show()
            return ExitCode.USAGE
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else ExitCode.PASSED
        except Exception as error:
            return tell_fault(error)
        return ExitCode.PASSED


def main() -> None:
    """Run the command line and exit with its code."""
    # Before NumPy is imported: its threads wait for each other longer than they work, and take cores from the workers
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    output = take_streams()
    code = _guarded(lambda: cli(standalone_mode=False))
    sys.exit(code_in_the_end(code, output))
