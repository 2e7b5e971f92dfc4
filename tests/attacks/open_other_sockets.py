"""Opens sockets of rarer kinds: netlink, raw, packet, VSOCK, the kernel's cipher, Bluetooth, CAN."""

import socket

import field
import torch

KINDS = {
    "netlink": (16, socket.SOCK_RAW, 0),
    "raw": (2, socket.SOCK_RAW, 1),
    "packet": (17, socket.SOCK_RAW, 0x300),
    "VSOCK": (40, socket.SOCK_STREAM, 0),
    "cipher": (38, socket.SOCK_SEQPACKET, 0),
    "IPv6": (10, socket.SOCK_DGRAM, 0),
    "CAN": (29, socket.SOCK_RAW, 1),
}
for name, kind in KINDS.items():
    field.attempt(name, lambda: socket.socket(*kind) and None)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
