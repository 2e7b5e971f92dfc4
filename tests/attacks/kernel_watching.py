"""Tries the calls that watch other people's files and memory."""

import ctypes

import field
import torch

ZEROS = ctypes.create_string_buffer(256)
field.probe(
    {
        "inotify_init1": (294, 0),
        "fanotify_init": (300, 0, 0),
        "name_to_handle_at": (303, -100, b"/nonexistent", ZEROS, ZEROS, 0),
        "process_madvise": (440, -1, None, 0, 0, 0),
        "process_mrelease": (448, -1, 0),
        "move_pages": (279, field.VICTIM, 0, None, None, None, 0),
        "migrate_pages": (256, field.VICTIM, 0, None, None),
        "get_robust_list": (274, field.VICTIM, ZEROS, ctypes.byref(ZEROS, 8)),
        "ioprio_get": (252, 1, field.VICTIM),
        "sched_getattr": (315, field.VICTIM, ZEROS, 56, 0),
    }
)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
