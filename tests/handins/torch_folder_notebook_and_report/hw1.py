import numpy as np


def helper():
    return 1
