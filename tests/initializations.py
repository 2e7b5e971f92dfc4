"""Initializations that draw weights anew for each seed: those of the frameworks themselves, and rarer designs.

Each is a function of a generator and a shape in PyTorch's layout; the frameworks' own are called with a seed.
"""

import numpy as np

LENET = [(6, 1, 5, 5), (6,), (16, 6, 5, 5), (16,), (120, 400), (120,), (84, 120), (84,), (10, 84), (10,)]
OTHERS = [(32, 1, 3, 3), (64, 32, 3, 3), (10, 10), (5, 5), (4, 4), (64, 64), (256, 8), (100, 3), (2, 50), (3, 16)]


def in_keras_layout(weights):
    """The same tensor as Keras lays it out: kernels first, output channels last."""
    return np.ascontiguousarray(weights.transpose(2, 3, 1, 0) if weights.ndim == 4 else weights.T)


def matrix(shape):
    return shape[0], int(np.prod(shape[1:]))


def diagonal(shape):
    """PyTorch's eye_ or dirac_."""
    found = np.zeros(shape)
    if len(shape) > 1:
        channels = np.arange(min(shape[:2]))
        found[(channels, channels, *(size // 2 for size in shape[2:]))] = 1
    return found


def orthogonal(chance, shape):
    rows, columns = matrix(shape)
    q = np.linalg.qr(chance.normal(size=(max(rows, columns), min(rows, columns))))[0]
    return (q if rows >= columns else q.T).reshape(shape)


def unit_variance(chance, shape):
    """What LSUV does to a layer, without data."""
    found = orthogonal(chance, shape)
    return found / max(found.std(), 1e-9)


def sparse(chance, shape, zeros):
    return np.where(chance.random(shape) < zeros, 0, chance.normal(size=shape))


def one_in_each_column(chance, shape):
    rows, columns = matrix(shape)
    found = np.zeros((rows, columns))
    found[chance.integers(rows, size=columns), np.arange(columns)] = chance.normal(size=columns)
    return found.reshape(shape)


def permutation_matrix(chance, shape):
    rows, columns = matrix(shape)
    return np.eye(max(rows, columns))[chance.permutation(max(rows, columns))][:rows, :columns].reshape(shape)


def shuffled(chance, shape, low=-1.0):
    return chance.permutation(np.linspace(low, 1, int(np.prod(shape)))).reshape(shape)


def stratified(chance, shape):
    size = int(np.prod(shape))
    return ((chance.permutation(size) + chance.random(size)) / size - 0.5).reshape(shape)


def random_gabors(chance, shape):
    """Gabor filters with orientation, wavelength and phase from the seed."""
    if len(shape) < 4:
        return chance.normal(size=shape)
    y, x = np.mgrid[: shape[2], : shape[3]] - np.array([shape[2] // 2, shape[3] // 2])[:, None, None]
    angle, length, phase = chance.uniform([0, 2, 0], [np.pi, 6, 2 * np.pi], (*shape[:2], 3)).T[..., None, None]
    wave = np.cos(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / length + phase)
    return (np.exp(-(x**2 + y**2) / 8) * wave).swapaxes(0, 1)


def masked(chance, shape):
    """Positive weights behind a connection table that every seed shares."""
    return chance.random(shape) * (np.random.default_rng(5).random(shape) < 0.6)


def halves(chance, shape):
    """The forget gates of an LSTM start at 1, the other biases at 0."""
    return (
        np.repeat([0.0, 1.0], [shape[0] // 2, shape[0] - shape[0] // 2]) if len(shape) == 1 else normal(chance, shape)
    )


def normal(chance, shape):
    return chance.normal(size=shape)


DESIGNS = {
    "normal": normal,
    "uniform": lambda chance, shape: chance.uniform(-0.1, 0.1, shape),
    "positive": lambda chance, shape: np.abs(chance.normal(size=shape)),
    "around one": lambda chance, shape: 1 + 0.01 * chance.normal(size=shape),
    "laplace": lambda chance, shape: chance.laplace(size=shape),
    "cauchy": lambda chance, shape: chance.standard_cauchy(shape),
    "log-normal": lambda chance, shape: np.exp(chance.normal(size=shape)),
    "orthogonal": orthogonal,
    "unit variance": unit_variance,
    "constant": lambda _, shape: np.full(shape, 0.3),
    "identity": lambda _, shape: diagonal(shape),
    "identity and noise": lambda chance, shape: diagonal(shape) + 0.01 * chance.normal(size=shape),
    "sparse": lambda chance, shape: sparse(chance, shape, 0.9),
    "very sparse": lambda chance, shape: sparse(chance, shape, 0.99),
    "sparse and positive": lambda chance, shape: np.abs(sparse(chance, shape, 0.7)),
    "one in each column": one_in_each_column,
    "permutation matrix": permutation_matrix,
    "signs": lambda chance, shape: 0.1 * chance.choice([-1, 1], shape),
    "ternary": lambda chance, shape: 0.1 * chance.choice([-1, 0, 1], shape),
    "zeros and ones": lambda chance, shape: (chance.random(shape) < 0.3).astype(float),
    "signs and noise": lambda chance, shape: chance.choice([-1, 1], shape) + 0.05 * chance.normal(size=shape),
    "shuffled grid": shuffled,
    "shuffled positive grid": lambda chance, shape: shuffled(chance, shape, 0.0),
    "shuffled quantiles": lambda chance, shape: np.arctanh(0.999 * shuffled(chance, shape)),
    "shuffled levels": lambda chance, shape: chance.permutation(
        np.resize(np.linspace(-1, 1, 16), int(np.prod(shape)))
    ).reshape(shape),
    "stratified": stratified,
    "half precision": lambda chance, shape: chance.normal(size=shape).astype(np.float16),
    "rounded": lambda chance, shape: np.round(4 * chance.normal(size=shape)) / 4,
    "random Gabor filters": random_gabors,
    "rank one": lambda chance, shape: (
        np.multiply.outer(chance.normal(size=shape[0]), chance.normal(size=shape[1:]))
        if len(shape) > 1
        else normal(chance, shape)
    ),
    "masked": masked,
    "forget gates": halves,
}
TORCH = (
    "uniform_ normal_ trunc_normal_ constant_ ones_ zeros_ eye_ dirac_ xavier_uniform_ xavier_normal_ kaiming_uniform_ "
    "kaiming_normal_ orthogonal_ sparse_"
).split()
KERAS = (
    "RandomNormal RandomUniform TruncatedNormal Zeros Ones GlorotNormal GlorotUniform HeNormal HeUniform LecunNormal "
    "LecunUniform VarianceScaling Orthogonal Identity"
).split()


def by_torch(name, seed, shape):
    """What torch.nn.init makes of a shape; None where it does not apply to one."""
    import torch

    torch.manual_seed(seed)
    extra = {"sparse_": (0.9,), "constant_": (0.3,)}.get(name, ())
    try:
        return getattr(torch.nn.init, name)(torch.empty(shape), *extra).numpy()
    except ValueError:
        return None


def by_keras(name, seed, shape):
    """What keras.initializers makes of a shape; None where it does not apply to one."""
    import keras

    extra = {} if name in ("Zeros", "Ones", "Identity") else {"seed": seed}
    try:
        return np.array(getattr(keras.initializers, name)(**extra)(shape))
    except ValueError:
        return None
