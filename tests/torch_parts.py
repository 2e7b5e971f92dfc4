"""What is hidden in random PyTorch modules beside numbers: parts that only training has, and answers that need the rest of
the batch. Each leaves as many numbers for an image as there are.
"""

from made_modules import Maker, Way


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
        *(
            "x = F.layer_norm(x, tuple(x.shape))",
            "x = F.instance_norm(x.T[None])[0].T",
            "x = x - x.amin(0, keepdim=True)",
        ),
        *("x = F.max_pool1d(x.T[None], 3, 1, 1)[0].T", "x = F.avg_pool1d(x.T[None], 3, 1, 1)[0].T"),
        *("x = torch.einsum('nf,mf->nm', x, x) @ x", "x = x.reshape(-1).roll(1).reshape(x.shape)"),
        *("x = x * (torch.arange(x.size(0))[:, None] == 0)", "x = x + torch.arange(x.size(0))[:, None]"),
        *("x = F.pad(x, (0, 0, 1, 0))[:-1]", "x = x.cummax(0).values", "x = x.diff(dim=0, prepend=x[:1])"),
        *("x = torch.ones(x.size(0), x.size(0)).tril() @ x", "x = torch.softmax(x @ x.T, 0) @ x"),
        *(
            "x = torch.softmax(x @ x.T, 1) @ x",
            "x = torch.where(x > x.mean(0), x, -x)",
            "x = x.gather(0, x.argsort(0))",
        ),
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
    "a depth of images": _on(
        "nn.Conv3d(1, 1, (3, 1, 1), padding=(1, 0, 0))", "x = {0}(x[None, None, :, :, None])[0, 0, :, :, 0]"
    ),
    "a picture of images": _on("nn.Conv2d(1, 1, 3, padding=1)", "x = {0}(x[None, None])[0, 0]"),
    "bilinear": _on("nn.Bilinear(SIZE, SIZE, SIZE)", "x = {0}(x, x.mean(0).expand_as(x))"),
    "a layer on a mean": _on("nn.Linear(SIZE, SIZE)", "x = x + {0}(x.mean(0))"),
    "a dropout of images": _on("nn.Linear(SIZE, SIZE)", "x = {0}(x) * F.dropout(torch.ones(x.size(0), 1), 0.5, True)"),
}
