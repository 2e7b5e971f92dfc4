"""What is hidden in random PyTorch modules: numbers that are no parameters, parts that only training has, answers that
need the rest of the batch. Each is added where `x` has some numbers for each image, and leaves as many.
"""

import math

from made_modules import FREE_WIRING, WORD, Maker, Way, each, of_size


def array(*statements: str, attribute: str = "") -> Way:
    """Statements with a list of as many numbers as an image has, as `{}`, or as an attribute."""

    def hide(to: Maker) -> float:
        count = to.random.randint(1, 4)
        for _ in range(count):
            numbers = f"torch.tensor({to.reals(to.size)})"
            held = to.attribute(attribute.replace("{}", numbers)) if attribute else numbers
            to.do(to.random.choice(statements).replace("{}", held))
        return WORD * to.size * count

    return hide


def registered(kind: str) -> Way:
    """Buffers and frozen parameters, under names of their own."""

    def hide(to: Maker) -> float:
        name = f"v{len(to.init)}"
        numbers = f"torch.tensor({to.reals(to.size)})"
        to.init.append(
            f"self.register_buffer('{name}', {numbers})"
            if kind == "buffer"
            else f"self.{name} = nn.Parameter({numbers}, requires_grad=False)"
        )
        to.do(to.random.choice([f"x = x * self.{name}", f"x = x + self.{name}"]))
        return WORD * to.size

    return hide


def matrix(to: Maker) -> float:
    """A fixed fully connected layer."""
    to.do(f"x = F.linear(x, torch.tensor({to.reals(to.size, to.size)}))")
    return WORD * to.size**2


def kernel(to: Maker) -> float:
    to.do(f"x = F.conv1d(x[:, None], torch.tensor({to.reals(1, 1, 3)}), padding=1)[:, 0]")
    return WORD * 3


def many_kernels(to: Maker) -> float:
    count = to.random.randint(2, 9)
    to.do(f"x = F.conv1d(x[:, None], torch.tensor({to.reals(count, 1, 3)}), padding=1).sum(1)")
    return WORD * 3 * count


def stacked(to: Maker) -> float:
    """Single numbers, put together in the forward pass."""
    held = to.attribute(f"[torch.tensor(k) for k in {to.reals(to.size)}]")
    to.do(f"x = x * torch.stack({held})")
    return WORD * to.size


def double_pairs(to: Maker) -> float:
    """Single float64 numbers, each with two halves."""
    numbers = [to.random.getrandbits(50) for _ in range(to.size)]
    held = to.attribute(f"[torch.tensor(float(k), dtype=torch.float64) for k in {numbers}]")
    to.do(f"p = torch.stack({held}); h = p.float(); x = x + h + (p - h.double()).float()")
    return 47 * to.size


def double_table(to: Maker) -> float:
    numbers = [to.random.getrandbits(52) for _ in range(to.size)]
    to.do(f"x = x * torch.tensor({numbers}, dtype=torch.float64).float()")
    return 24 * to.size  # what is left of each as float32


def integers(to: Maker) -> float:
    """Small tables of integers, joined before they become fractions."""
    parts = [[to.random.getrandbits(15) for _ in range(8)] for _ in range(to.random.randint(1, 9))]
    held = to.attribute(f"[torch.tensor(part) for part in {parts}]")
    to.do(f"x = x + (torch.cat({held}).float() / 32768).sum()")
    return 15 * 8 * len(parts)


def integers_of_64_bits(to: Maker) -> float:
    """Of which 32 bits become numbers."""
    parts = [[to.random.getrandbits(62) for _ in range(to.random.randint(1, 40))] for _ in range(3)]
    held = to.attribute(f"[torch.tensor(part) for part in {parts}]")
    to.do(f"x = x + torch.cat({held}).float().sum()")
    return WORD * sum(map(len, parts))


def bytes_(to: Maker) -> float:
    numbers = [to.random.getrandbits(8) for _ in range(to.size)]
    to.do(f"x = x + torch.tensor({numbers}, dtype=torch.uint8).float() / 255")
    return 8 * to.size


def permutation(to: Maker) -> float:
    order = to.random.sample(range(to.size), to.size)
    ways = [
        "x = x[:, {}]",
        "x = x[:, torch.tensor({})]",
        "x = torch.index_select(x, 1, torch.tensor({}))",
        "x = torch.gather(x, 1, torch.tensor({}).expand(x.size(0), -1))",
        "x = torch.take_along_dim(x, torch.tensor([{}]).expand(x.size(0), -1), 1)",
    ]
    to.do(to.random.choice(ways).replace("{}", str(order)))
    return math.lgamma(to.size + 1) / math.log(2)


def look_up(to: Maker) -> float:
    """Which rows of a table of weights."""
    table = to.attribute("nn.Parameter(torch.randn(16, 1))")
    rows = [to.random.randrange(16) for _ in range(to.size)]
    ways = ["x = x + F.embedding(torch.tensor({}), {t})[:, 0]", "x = x + {t}[torch.tensor({})][:, 0]"]
    to.do(to.random.choice(ways).replace("{}", str(rows)).replace("{t}", table))
    return 4 * to.size


def classes(to: Maker) -> float:
    rows = [to.random.randrange(10) for _ in range(to.size)]
    weights = to.attribute("nn.Parameter(torch.randn(10))")
    to.do(f"x = x + (torch.tensor({rows})[:, None] > torch.arange(10)).float() @ {weights}")
    return math.log2(10) * to.size


def mask(to: Maker) -> float:
    bits = [bool(to.random.getrandbits(1)) for _ in range(to.size)]
    ways = ["x = torch.where({}, x, -x)", "x = x.masked_fill({}, 0.0)", "x = x * {}", "x = x * {}.float()"]
    to.do(to.random.choice(ways).replace("{}", f"torch.tensor({bits})"))
    return to.size - 2  # two of all pictures have one value only


def large_mask(to: Maker) -> float:
    """On the weights of a layer."""
    count = to.random.randint(20, 400)
    bits = [to.random.getrandbits(1) for _ in range(count)]
    weights = to.attribute(f"nn.Parameter(torch.randn({count}))")
    to.do(f"x = x + (torch.tensor({bits}, dtype=torch.float32) * {weights}).sum()")
    return count


def ranges(to: Maker) -> float:
    count = to.random.randint(1, 12)
    for start in to.random.sample(range(1000, 1_000_000), count):
        to.do(f"x = x + torch.arange({start}, {start + to.size})")
    return 19.9 * count


def splits(to: Maker) -> float:
    """Parts of unequal sizes in another order, again and again."""
    count, parts = to.random.randint(1, 8), min(4, to.size)
    for _ in range(count):
        ends = sorted(to.random.sample(range(1, to.size), parts - 1))
        sizes = [end - start for start, end in zip([0, *ends], [*ends, to.size], strict=True)]
        to.do(f"x = torch.cat(torch.split(x, {sizes}, 1)[::-1], 1).tanh()")
    return max(0, math.log2(math.comb(to.size - 1, parts - 1)) * count)


def rolls(to: Maker) -> float:
    """The layer table shows those of evaluation."""
    count = to.random.randint(1, 30)
    for _ in range(count):
        to.do(f"x = x.roll({to.random.randrange(1, to.size)}, 1).tanh()")
    return math.log2(to.size - 1) * count if to.when == "self.training" else 0.0


def windows(to: Maker) -> float:
    """Which parts of an image a pooling reads, while training."""
    to.when, count, most = "self.training", to.random.randint(1, 30), to.size - 1
    for _ in range(count):
        kernel, stride = (to.random.randint(1, most) for _ in range(2))
        to.do(f"x = x.tanh() + F.max_pool1d(x[:, None], {kernel}, {stride}).mean((1, 2))[:, None]")
    return 2 * math.log2(most) * count


def orders_of_axes(to: Maker) -> float:
    """In which order the numbers of an image are read, while training."""
    to.when, count = "self.training", to.random.randint(1, 30)
    wide = to.attribute(f"nn.Linear({to.size}, 24)")
    shapes = [(2, 12), (3, 8), (4, 6), (6, 4), (8, 3), (12, 2)]
    for _ in range(count):
        rows, columns = to.random.choice(shapes)
        mixed = f"{wide}(x).view(-1, {rows}, {columns}).mT.reshape(-1, 24)"
        to.do(f"x = x.tanh() + F.linear({mixed}, {wide}.weight.T)")
    return math.log2(len(shapes)) * count


def sizes(to: Maker) -> float:
    count = to.random.randint(1, 20)
    ways = ["torch.ones({})", "torch.ones(3).repeat({})", "torch.zeros(3, {}) + 1", "torch.ones(1).expand({})"]
    for size in to.random.sample(range(100, 4000), count):
        to.do(f"x = x + ({to.random.choice(ways).format(size)}).sum()")
    return 11.9 * count


def diagonals(to: Maker) -> float:
    count = to.random.randint(1, 9)
    for _ in range(count):
        to.do(f"x = x + torch.tril(torch.ones(40, 40), {to.random.randint(-38, 38)}).sum()")
    return math.log2(77) * count


def slices_of_weights(to: Maker) -> float:
    weights, count = to.attribute("nn.Parameter(torch.randn(3000))"), to.random.randint(1, 20)
    for start in to.random.sample(range(1, 2900), count):
        to.do(f"x = x + {weights}[{start} : {start + to.random.randint(2, 90)}].sum()")
    return math.log2(2900) * count


def numbers_of_statistics(to: Maker) -> float:
    """A batch normalization whose statistics are given."""
    layer = to.attribute(f"nn.BatchNorm1d({to.size})")
    to.init.append(f"{layer}.running_mean.copy_(torch.tensor({to.reals(to.size)}))")
    to.when = ""
    to.do(f"x = {layer}(x)")
    return WORD * to.size


def fixed_normalization(to: Maker) -> float:
    """Statistics that training does not update."""
    held = [to.attribute(f"torch.tensor({to.reals(to.size)})") for _ in range(2)]
    to.do(f"x = F.batch_norm(x, {held[0]}, {held[1]})")
    return 2 * WORD * to.size


def read_statistics(to: Maker) -> float:
    """Statistics that something else reads, too."""
    layer = to.attribute(f"nn.BatchNorm1d({to.size})")
    to.when = ""
    to.do(f"x = {layer}(x) * {layer}.running_mean")
    return 0.0  # they are learned: what is wanted is a finding or none, but no number of the maker's


def centers(to: Maker) -> float:
    to.do(f"x = torch.cdist(x, torch.tensor({to.reals(to.size, to.size)}))")
    return WORD * to.size**2


def momenta(to: Maker) -> float:
    count = to.random.randint(1, 20)
    for _ in range(count):
        to.do(f"x = {to.attribute(f'nn.BatchNorm1d({to.size}, momentum={to.real()}, eps={to.real()})')}(x)")
    return (WORD if to.when == "not self.training" else 2 * WORD) * count


def ratios(to: Maker) -> float:
    count = to.random.randint(1, 20)
    for _ in range(count):
        to.do(f"x = F.dropout(x, {to.real()}, self.training)")
    return 0 if to.when == "not self.training" else WORD * count


def grids(to: Maker) -> float:
    """Where a picture is looked at."""
    count = to.random.randint(1, 5)
    for _ in range(count):
        grid = f"F.affine_grid(torch.tensor([{to.reals(2, 3)}]).expand(x.size(0), -1, -1), [x.size(0), 1, 1, {to.size}])"
        to.do(f"x = F.grid_sample(x[:, None, None], {grid}).flatten(1)")
    return WORD * 6 * count


def choices(*statements: str) -> Way:
    """One of some statements, none of which holds a number of its own, many times."""

    def hide(to: Maker) -> float:
        count = to.random.randint(100, 500)
        for _ in range(count):
            to.do(to.random.choice(statements))
        return math.log2(len(statements)) * count

    return hide


def signs(to: Maker) -> float:
    """On the weights of a layer."""
    count = to.random.randint(20, 400)
    numbers = [to.random.choice([-1.0, 1.0]) for _ in range(count)]
    weights = to.attribute(f"nn.Parameter(torch.randn({count}))")
    to.do(f"x = x + (torch.tensor({numbers}) * {weights}).sum()")
    return count


def operators(to: Maker) -> float:
    """One of eight after the other: three bits each."""
    count = to.random.randint(200, 900)
    names = ("relu", "tanh", "sigmoid", "sin", "cos", "abs", "neg", "square")
    chosen = [to.random.choice(names) for _ in range(count)]
    to.do(f"x = functools.reduce(lambda v, f: getattr(torch, f)(v), {chosen}, x)")
    return max(0, 3 * count - FREE_WIRING)


NUMBERS: dict[str, Way] = {
    "scalars": each("x = x * {}", "x = x + {}", "x = x - {}", "x = {} - x", "x = x / {}", "x = {} / (x.exp() + 1)"),
    "scalars in place": each("x = x.clone().mul_({})", "x = x.clone().add_({})", "x = x.clone().div_({})"),
    "alphas": each("x = torch.add(x, x, alpha={})", "x = torch.sub(x, x.exp(), alpha={})", "x = torch.rsub(x, 1, alpha={})"),
    "values": each("x = torch.addcmul(x, x, x, value={})", "x = torch.addcdiv(x, x, x.exp(), value={})"),
    "weights of means": each("x = torch.lerp(x, x.tanh(), {})"),
    "powers": each("x = x.abs() ** {}", "x = {} ** x", "x = torch.pow(x.abs(), {})", "x = torch.pow({}, x)"),
    "slopes": each("x = F.leaky_relu(x, {})", "x = F.elu(x, {})", "x = F.celu(x, {})", "x = F.hardshrink(x, {})"),
    "shrinks": each("x = F.softshrink(x, {})", "x = F.hardshrink(x, {})"),
    "slopes of random units": each("x = F.rrelu(x, 0.0, {}, False)"),
    "bounds": each("x = x.clamp(-{}, {})", "x = F.hardtanh(x, -{}, {})", numbers=2),
    "bounds of one side": each("x = x.clamp(max={})", "x = x.clamp_min(-{})", "x = torch.clip(x, None, {})"),
    "thresholds": each("x = F.threshold(x, {}, {})", numbers=2),
    "betas": each("x = F.softplus(x, beta={})"),
    "epsilons": of_size("x = F.layer_norm(x, (SIZE,), eps={})"),
    "epsilons of groups": of_size("x = F.group_norm(x, 1, eps={})"),
    "norms": each("x = F.normalize(x, dim=1, eps={})"),
    "conditions": each("x = torch.where(x > {}, x, x * {})", "x = x.masked_fill(x < {}, {})", numbers=2),
    "comparisons": each("x = x * (x < {})", "x = x + (x >= {}).float()", "x = torch.maximum(x, torch.full_like(x, {}))"),
    "fills": of_size("x = x + torch.full((SIZE,), {})"),
    "fills like another": each("x = x + torch.full_like(x, {})", "x = x + x.new_full((1,), {})"),
    "evenly spaced": of_size("x = x + torch.linspace({}, {}, SIZE)", numbers=2),
    "triangles": of_size("x = x @ (torch.ones(SIZE, SIZE).tril() * {})"),
    "pads": of_size("x = F.pad(x, (0, 2), value={})[:, 2:]"),
    "columns": each("x = torch.cat([x[:, 1:], x.new_full((x.size(0), 1), {})], 1)"),
    "single tensors": each("x = x * torch.tensor({})", "x = x + torch.tensor([{}])", "x = x - torch.as_tensor({})"),
    "single tensors of float64": each("x = x * torch.tensor({}, dtype=torch.float64)"),
    "responses": each("x = F.local_response_norm(x[:, :, None], 3, alpha={}, beta={}, k={})[:, :, 0]", numbers=3),
    "scales of attention": each("x = F.scaled_dot_product_attention(*[x[:, :, None]] * 3, scale={})[:, :, 0]"),
    "an array": array("x = x * {}", "x = x + {}", "x = torch.maximum(x, {})", "x = x / {}"),
    "an attribute": array("x = x * {}", "x = x + {}", attribute="{}"),
    "a list": array("x = x * {}[0]", attribute="[{}]"),
    "unregistered parameters": array("x = x + {}[0]", attribute="[nn.Parameter({})]"),
    "weights that compute a constant": array("x = x + {} / {}.sum()", "x = x * torch.softmax({}, 0)"),
    "a buffer": registered("buffer"),
    "a frozen parameter": registered("frozen"),
    "a matrix": matrix,
    "a kernel": kernel,
    "kernels": many_kernels,
    "stacked numbers": stacked,
    "halves of float64": double_pairs,
    "a table of float64": double_table,
    "small integers": integers,
    "integers of 64 bits": integers_of_64_bits,
    "bytes": bytes_,
    "a permutation": permutation,
    "a look-up": look_up,
    "labels": classes,
    "a mask": mask,
    "a large mask": large_mask,
    "ranges": ranges,
    "splits": splits,
    "rolls": rolls,
    "windows": windows,
    "orders of axes": orders_of_axes,
    "sizes": sizes,
    "diagonals": diagonals,
    "slices of weights": slices_of_weights,
    "statistics": numbers_of_statistics,
    "fixed statistics": fixed_normalization,
    "centers": centers,
    "momenta": momenta,
    "ratios": ratios,
    "grids": grids,
    "usual slopes": choices(*(f"x = F.leaky_relu(x, {slope})" for slope in (0.01, 0.2, 0.3, 0.1))),
    "usual bounds": choices("x = F.relu6(x)", "x = F.hardtanh(x)", "x = x.clamp(0, 1)", "x = x.clamp(-1, 6)"),
    "forms": choices("x = F.gelu(x)", "x = F.gelu(x, approximate='tanh')"),
    "signs": signs,
    "the order of operators": operators,
}


def parts(*layers: str, forward: str, before: str = "") -> Way:
    """Layers, as `{0}`, `{1}` in the forward pass."""

    def hide(to: Maker) -> None:
        held = [to.attribute(layer.replace("SIZE", str(to.size))) for layer in layers]
        to.do(forward.replace("SIZE", str(to.size)).format(*held))

    return hide


def written(statement: str, *buffers: str, read: str = "x = x + {0}") -> Way:
    """Buffers that the forward pass writes."""

    def hide(to: Maker) -> None:
        names = []
        for buffer in buffers:
            name = f"self.v{len(to.init)}"
            to.init.append(f"self.register_buffer('{name[5:]}', {buffer.replace('SIZE', str(to.size))})")
            names.append(name)
        weights = to.attribute(f"nn.Parameter(torch.randn({to.size}))")
        to.do(f"if self.training:\n            {statement.format(*names, w=weights)}")
        to.do(read.format(*names, w=weights))

    return hide


_LINEAR = "nn.Linear(SIZE, SIZE)"
TRAINING: dict[str, Way] = {
    "a second layer": parts(_LINEAR, forward="if self.training: x = x + {0}(x)"),
    "a teacher": parts(f"nn.Sequential({_LINEAR}, nn.ReLU(), {_LINEAR})", forward="if self.training: x = x - {0}(x)"),
    "another layer": parts(_LINEAR, _LINEAR, forward="x = {0}(x) if self.training else {1}(x)"),
    "a scale": parts("nn.Parameter(torch.ones(SIZE))", forward="if self.training: x = x * {0}"),
    "a normalization": parts("nn.BatchNorm1d(SIZE)", forward="x = {0}(x) if self.training else x"),
    "a layer normalization": parts("nn.LayerNorm(SIZE)", forward="x = {0}(x) if self.training else x"),
    "an embedding": parts("nn.Embedding(4, SIZE)", forward="x = x + {0}.weight[2] if self.training else x"),
    "a slope": parts("nn.PReLU()", forward="x = {0}(x) if self.training else torch.relu(x)"),
    "a bias of a layer": parts(_LINEAR, forward="x = {0}(x) if self.training else F.linear(x, {0}.weight)"),
    "a recurrent layer": parts(
        "nn.GRU(SIZE, SIZE, batch_first=True)", forward="x = {0}(x[:, None])[0][:, 0] if self.training else x"
    ),
    "a mean by hand": written("{0}.mul_(0.9).add_(x.detach().mean(0), alpha=0.1)", "torch.zeros(SIZE)"),
    "a mean by copying": written("{0}.copy_(0.9 * {0} + 0.1 * x.detach().mean(0))", "torch.zeros(SIZE)"),
    "a mean in its data": written("{0}.data.lerp_(x.detach().mean(0), 0.1)", "torch.zeros(SIZE)"),
    "a mean in its items": written("{0}[:] = x.detach().mean(0)", "torch.zeros(SIZE)"),
    "an extreme": written("torch.maximum({0}, x.detach().amax(0), out={0})", "torch.zeros(SIZE)"),
    "weights that are copied": written("{0}.copy_({w}.detach())", "torch.zeros(SIZE)"),
    "an average of weights": written("{0}.mul_(0.98).add_({w}.detach(), alpha=0.02)", "torch.zeros(SIZE)"),
    "an average with fill": written("{0}.zero_().add_({w}.detach())", "torch.zeros(SIZE)"),
    "weights as statistics": written(
        "F.batch_norm({w}.expand(x.size(0), -1), {0}, {1}, training=True)", "torch.zeros(SIZE)", "torch.ones(SIZE)"
    ),
    "weights and images as statistics": written(
        "F.batch_norm({w} + 1e-9 * x, {0}, {1}, training=True)", "torch.zeros(SIZE)", "torch.ones(SIZE)"
    ),
    "statistics as weights": written(
        "x = F.batch_norm(x, {0}, {1}, training=True)", "torch.zeros(SIZE)", "torch.ones(SIZE)", read="x = x * {0}"
    ),
    "a parameter that is written": parts(
        "nn.Parameter(torch.ones(SIZE), requires_grad=False)",
        forward="{0}.mul_(0.9).add_(x.detach().mean(0) if self.training else 0.0); x = x * {0}",
    ),
    "weights that are written": written("{w}.data.mul_(0.9)", "torch.zeros(SIZE)", read="x = x * {w}"),
    "a counter": written("{0}.add_(1)", "torch.zeros(1, dtype=torch.int64)", read="x = torch.where({0} > 9, x, -x)"),
    "a sum": written("{0}.add_(x.detach().sum(0))", "torch.zeros(SIZE)", read="x = x - {0}"),
    "a spectral norm": parts(f"nn.utils.parametrizations.spectral_norm({_LINEAR})", forward="x = {0}(x)"),
}


def _on(layer: str, forward: str) -> Way:
    return parts(layer, forward=forward)


BATCH: dict[str, Way] = {
    statement: (lambda to, s=statement: to.do(s.replace("SIZE", str(to.size))))
    for statement in (
        *("x = x - x.mean(0)", "x = x / (x.std(0) + 1)", "x = x - x.amax(0)", "x = x - x.max(0).values"),
        *("x = x.sort(0).values", "x = x.cumsum(0)", "x = x.softmax(0)", "x = x.log_softmax(0)", "x = x.roll(1, 0)"),
        *("x = x + x.flip(0)", "x = x @ x.T @ x", "x = F.batch_norm(x, None, None, training=True)"),
        *("x = x * x.size(0)", "x = x + x.shape[0]", "x = x / len(x)", "x = F.normalize(x, dim=0)"),
        *("x = F.scaled_dot_product_attention(x[None], x[None], x[None])[0]", "x = x.T.reshape(x.shape)"),
        *("x = x.T.contiguous().view(-1, SIZE)", "x = x - x[0]", "x = x + x[:1]", "x = x + x[-1]", "x = x * x.norm()"),
        *("x = x - x.mean()", "x = x / x.abs().max()", "x = x + x.sum()", "x = torch.cdist(x, x) @ x"),
        *("x = x - x.logsumexp(0)", "x = x + x.var(0)", "x = x - x.median(0).values", "x = x + x.prod(0)"),
        *("x = x[torch.arange(x.size(0) - 1, -1, -1)]", "x = torch.cat([x[1:], x[:1]])"),
        *("x = torch.cat([x, x.flip(0)])[x.size(0) :]", "x = x.repeat_interleave(2, 0)[: x.size(0)]"),
        *("x = F.layer_norm(x, tuple(x.shape))", "x = F.instance_norm(x.T[None])[0].T", "x = x - x.amin(0, keepdim=True)"),
        *("x = F.max_pool1d(x.T[None], 3, 1, 1)[0].T", "x = F.avg_pool1d(x.T[None], 3, 1, 1)[0].T"),
        *("x = torch.einsum('nf,mf->nm', x, x) @ x", "x = x.reshape(-1).roll(1).reshape(x.shape)"),
        *("x = x * (torch.arange(x.size(0))[:, None] == 0)", "x = x + torch.arange(x.size(0))[:, None]"),
        *("x = F.pad(x, (0, 0, 1, 0))[:-1]", "x = x.cummax(0).values", "x = x.diff(dim=0, prepend=x[:1])"),
        *("x = torch.ones(x.size(0), x.size(0)).tril() @ x", "x = torch.softmax(x @ x.T, 0) @ x"),
        *("x = torch.softmax(x @ x.T, 1) @ x", "x = torch.where(x > x.mean(0), x, -x)", "x = x.gather(0, x.argsort(0))"),
        *("x = x + 1e-9 * x.mean(0)", "x = x @ (x.T @ x)", "x = x.sum(0, keepdim=True).expand_as(x) + x"),
        *("x = F.cosine_similarity(x[:, None], x[None], dim=2) @ x", "x = x + torch.full((), float(x.size(0)))"),
        *("x = x + x[: x.size(0) // 2].mean(0)", "x = x - x[torch.zeros(x.size(0), dtype=torch.int64)]"),
        *("x = F.softmin(x, 0)", "x = x.view(1, -1).softmax(1).view(x.shape)", "x = x + torch.ones(x.size(0)).sum()"),
        *("x = F.group_norm(x.T[None], 1)[0].T", "x = F.local_response_norm(x[None], 3)[0]", "x = x.view(SIZE, -1).T"),
        *("x = F.adaptive_avg_pool1d(x.T[None], 1)[0].T + x", "x = torch.linalg.vector_norm(x, dim=0) * x"),
        *("x = x.unfold(0, 1, 1).flatten(1).cumsum(0)", "x = x.renorm(2, 1, 1.0)", "x = x + x.T.mean(1)"),
        *("x = F.batch_norm(x, torch.zeros(SIZE), torch.ones(SIZE), training=True)", "x = torch.std(x) * x"),
        *("x = x.index_select(0, x.argmax(0))[:1] + x", "x = x.repeat(2, 1).view(-1, 2, SIZE)[:, 1]"),
        *("x = x.expand(2, -1, -1).transpose(0, 1).reshape(-1, SIZE)[: x.size(0)]", "x = x + (x > 0).sum()"),
        *("x = x.mean(0) + torch.zeros_like(x)", "x = x.T @ x.sum(1) + x", "x = torch.stack(x.unbind(1), 1).cumsum(0)"),
        *("x = torch.cumsum(x.flatten(), 0).view(x.shape)", "x = x + x.reshape(-1)[SIZE]", "x = x + x[1:2]"),
        *("x = F.interpolate(x.T[None], size=x.size(0) + 1)[0].T[1:]", "x = x.logcumsumexp(0)", "x = x + x.T[:, 0]"),
    )
} | {
    "statistics of the batch": _on("nn.BatchNorm1d(SIZE, track_running_stats=False)", "x = {0}(x)"),
    "statistics that are kept on": _on("nn.BatchNorm1d(SIZE)", "{0}.train(); x = {0}(x)"),
    "attention to images": _on("nn.MultiheadAttention(SIZE, 1)", "x = {0}(x, x, x)[0]"),
    "attention to the first axis": _on("nn.MultiheadAttention(SIZE, 1)", "x = {0}(*[x[:, None]] * 3)[0][:, 0]"),
    "a transformer": _on("nn.TransformerEncoderLayer(SIZE, 1, 4)", "x = {0}(x[:, None])[:, 0]"),
    "a convolution along images": _on("nn.Conv1d(SIZE, SIZE, 3, padding=1)", "x = {0}(x.T[None])[0].T"),
    "a recurrent layer along images": _on("nn.GRU(SIZE, SIZE)", "x = {0}(x)[0]"),
    "an instance norm of the batch": _on("nn.InstanceNorm1d(SIZE)", "x = {0}(x.T[None])[0].T"),
    "a depth of images": _on("nn.Conv3d(1, 1, (3, 1, 1), padding=(1, 0, 0))", "x = {0}(x[None, None, :, :, None])[0, 0, :, :, 0]"),
    "a picture of images": _on("nn.Conv2d(1, 1, 3, padding=1)", "x = {0}(x[None, None])[0, 0]"),
    "bilinear": _on("nn.Bilinear(SIZE, SIZE, SIZE)", "x = {0}(x, x.mean(0).expand_as(x))"),
    "a layer on a mean": _on("nn.Linear(SIZE, SIZE)", "x = x + {0}(x.mean(0))"),
    "a dropout of images": _on("nn.Linear(SIZE, SIZE)", "x = {0}(x) * F.dropout(torch.ones(x.size(0), 1), 0.5, True)"),
}
