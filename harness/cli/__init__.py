"""What is typed: one file for each command, and errors become words and exit codes."""

from harness.cli.group import cli, main

__all__ = ["cli", "main"]
