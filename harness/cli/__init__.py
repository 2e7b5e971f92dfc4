"""The command line: one file per command; errors become messages and exit codes."""

from harness.cli.group import cli, main

__all__ = ["cli", "main"]
