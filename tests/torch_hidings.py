"""Numbers that are hidden in random PyTorch modules. Each way is added where `x` has some numbers for each image, and
leaves as many.
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
        grid = (
            f"F.affine_grid(torch.tensor([{to.reals(2, 3)}]).expand(x.size(0), -1, -1), [x.size(0), 1, 1, {to.size}])"
        )
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
    "alphas": each(
        "x = torch.add(x, x, alpha={})", "x = torch.sub(x, x.exp(), alpha={})", "x = torch.rsub(x, 1, alpha={})"
    ),
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
    "comparisons": each(
        "x = x * (x < {})", "x = x + (x >= {}).float()", "x = torch.maximum(x, torch.full_like(x, {}))"
    ),
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
