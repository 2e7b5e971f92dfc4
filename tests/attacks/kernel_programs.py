"""Tries the calls that load programs into the kernel or measure it."""

import ctypes

import field
import torch

ZEROS = ctypes.create_string_buffer(256)
field.probe(
    {
        "bpf": (321, 0, ZEROS, 48),
        "perf_event_open": (298, None, 0, -1, -1, 0),
        "userfaultfd": (323, 1),
        "init_module": (175, None, 0, b""),
        "finit_module": (313, -1, b"", 0),
        "delete_module": (176, b"nonexistent_module", 0x800),
        "kexec_load": (246, 0, 0, None, 0xFFF0),
        "syslog": (103, 10, None, 0),
        "seccomp": (317, 2, 0, ZEROS),
        "landlock_create_ruleset": (444, None, 0, 1),
        "io_uring_enter": (426, -1, 0, 0, 0, None, 0),
        "io_uring_register": (427, -1, 0, None, 0),
    }
)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
