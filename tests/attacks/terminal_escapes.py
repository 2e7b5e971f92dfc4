"""Prints NULs, broken UTF-8, terminal commands and text that reads backwards, and puts them into its error."""

import os

import field
import torch

ATTACK = {"judge": "rendered"}

os.write(1, b"\x00\xff\xfe\x1b[2J\x1b]0;passed\x07" + "\u202e".encode() * 50 + b"\n")
raise ValueError("\x1b[2J\x1b[1;32mpassed\x1b[0m\x9b31m\u202e\u2066\x07\x00\r")  # no model
