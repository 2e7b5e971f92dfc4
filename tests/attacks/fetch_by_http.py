"""Fetches a page with the standard library and with torch.hub."""

import urllib.request

import field
import torch

URL = f"http://127.0.0.1:{field.TCP}/weights.pth"
for fetch in (
    lambda: urllib.request.urlopen(URL, timeout=1),
    lambda: torch.hub.download_url_to_file(URL, "/tmp/" + field.MARK, progress=False),
):
    try:
        fetch()
    except Exception as error:
        print(error)


def build_model():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
