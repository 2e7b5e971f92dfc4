"""PyTorch models beyond the layer tests: what a forward pass may do with views, writes, numbers, random numbers and layers.

Each has a forward pass, its layers, and how many numbers its last layer gets.
"""

MODELS = {
    "slices written": (
        "x = x.clone(); x[:, :, 0] = 0; x[:, 0, 1:3] += 1; x[:, :, :, -1] *= self.w",
        "self.w = nn.Parameter(torch.tensor(.5))",
        784,
    ),
    "rows collected": (
        "x = x.squeeze(1); out = torch.zeros(len(x), 28, 16)\n        for t in range(28): out[:, t] = torch.tanh(self.l(x[:, t]))\n        x = out",
        "self.l = nn.Linear(28, 16)",
        448,
    ),
    "rows collected in empty memory": (
        "x = x.squeeze(1); out = x.new_empty(len(x), 28, 16)\n        for t in range(28): out[:, t] = torch.tanh(self.l(x[:, t]))\n        x = out",
        "self.l = nn.Linear(28, 16)",
        448,
    ),
    "views of views": (
        "y = x * self.w; z = y.view(-1, 784)[:, 10:30].view(-1, 4, 5); z.mul_(2).add_(self.w); x = y.transpose(2, 3)",
        "self.w = nn.Parameter(torch.tensor(.5))",
        784,
    ),
    "paddings of convolutions": (
        "x = self.c(self.b(self.a(x)))",
        "self.a = nn.Conv2d(1, 2, 3, padding='same', padding_mode='reflect'); self.b = nn.Conv2d(2, 2, 4, padding='same'); self.c = nn.Conv2d(2, 2, 3, padding=1, padding_mode='replicate')",
        1568,
    ),
    "circular padding": (
        "x = self.a(x)",
        "self.a = nn.Conv2d(1, 2, 3, padding=1, padding_mode='circular')",
        1568,
    ),
    "poolings": (
        "x = F.avg_pool2d(x, 3, 2, 1, ceil_mode=True); x = F.avg_pool2d(x, 3, 1, 1, count_include_pad=False); x = F.max_pool2d(x, 3, 2, 1, ceil_mode=True); x = F.max_pool2d(x, 2, 1, 0, 2)",
        "pass",
        36,
    ),
    "poolings of rows": (
        "x = x.squeeze(1); x = F.max_pool1d(x, 2); x = F.avg_pool1d(x, 2, 1, 1); x = F.adaptive_avg_pool1d(x, 4); x = F.adaptive_max_pool1d(x, 3)",
        "pass",
        84,
    ),
    "adaptive poolings": (
        "x = torch.cat([F.adaptive_avg_pool2d(x, (5, 4)).flatten(1), F.adaptive_max_pool2d(x, (5, 9)).flatten(1), F.adaptive_avg_pool2d(x, (7, None)).flatten(1)], 1)",
        "pass",
        261,
    ),
    "transposed": (
        "x = self.b(self.a(x))",
        "self.a = nn.ConvTranspose2d(1, 4, 3, 2, 1, 1); self.b = nn.ConvTranspose2d(4, 2, 2, groups=2, bias=False)",
        6498,
    ),
    "one and three dimensions": (
        "x = self.a(x.squeeze(1)); x = self.b(x.unsqueeze(1).unsqueeze(1))",
        "self.a = nn.Conv1d(28, 4, 3, padding=1, dilation=2); self.b = nn.Conv3d(1, 2, (1, 2, 3))",
        144,
    ),
    "instance normalization with weights": (
        "x = self.n(self.c(x))",
        "self.c = nn.Conv2d(1, 4, 5); self.n = nn.InstanceNorm2d(4, affine=True)",
        2304,
    ),
    "normalizations": (
        "x = self.c(x); x = self.a(x); x = self.b(x); x = self.d(x.flatten(2)); x = self.e(x)",
        "self.c = nn.Conv2d(1, 4, 5); self.a = nn.BatchNorm2d(4, affine=False, momentum=.3); self.b = nn.GroupNorm(4, 4, affine=False); self.d = nn.InstanceNorm1d(4, affine=True); self.e = nn.LayerNorm(576, elementwise_affine=False)",
        2304,
    ),
    "RMS normalization": (
        "x = self.a(x); x = self.b(x)",
        "self.a = nn.RMSNorm(28); self.b = nn.RMSNorm([28, 28], eps=1e-3, elementwise_affine=False)",
        784,
    ),
    "batch normalization without statistics": (
        "x = self.n(self.c(x))",
        "self.c = nn.Conv2d(1, 4, 5); self.n = nn.BatchNorm2d(4, track_running_stats=False)",
        2304,
    ),
    "further activations": (
        "for a in self.a: x = a(x)",
        "self.a = nn.ModuleList([nn.Softplus(2.), nn.ELU(.5), nn.SELU(), nn.CELU(.7), nn.Hardswish(), nn.Hardsigmoid(), nn.SiLU(), nn.LeakyReLU(.1), nn.PReLU(), nn.ReLU6(), nn.Softmax2d(), nn.Hardtanh(-2, 2), nn.Tanhshrink(), nn.Softsign(), nn.LogSigmoid()])",
        784,
    ),
    "numbers": (
        "x = x + .5; x = torch.log1p(x) + torch.expm1(x) + torch.rsqrt(x) + x ** 3 + x ** 1.5 + x ** .5 + 1 / x + 2 - x + 2 ** x + x ** x + torch.erf(x) + torch.sin(x) * torch.cos(x) + x.square() + torch.exp(-x)",
        "pass",
        784,
    ),
    "more numbers": (
        "y = x.flip(2) * self.w; x = torch.where(x > y, x, 0.) + torch.where(x <= .5, 1., y) + torch.maximum(x, y) * torch.minimum(x, y) + torch.lerp(x, y, .3) + torch.addcmul(x, x, y, value=.5) + x.clamp(min=y) + torch.add(x, y, alpha=.3) - torch.sub(x, y, alpha=2) + x.masked_fill(y < .2, -1.) + y.clamp(.1, .9) + torch.addcdiv(x, x, y + 2)",
        "self.w = nn.Parameter(torch.tensor(.5))",
        784,
    ),
    "statistics by hand": (
        "x = (x - x.mean((2, 3), keepdim=True)) / (x.std((2, 3), keepdim=True) + 1e-5); x = x + x.var(-1, keepdim=True, unbiased=False) + x.amax(2, keepdim=True) - x.amin((2, 3), keepdim=True); x = x / x.norm(dim=1, keepdim=True).clamp(min=1)",
        "pass",
        784,
    ),
    "distances and lengths": (
        "x = x.flatten(1); x = torch.cat([torch.cdist(x, self.c), torch.cdist(x, self.c, p=1), F.cosine_similarity(x[:, None], self.c, dim=2), x.norm(p=1, dim=1, keepdim=True)], 1)",
        "self.c = nn.Parameter(torch.randn(30, 784))",
        91,
    ),
    "products": (
        "y = x.flatten(1); x = torch.cat([y @ self.v[:, None], (y @ self.v)[:, None], (self.m @ y.t()).t(), torch.einsum('bi,oi->bo', y, self.m), torch.addmm(self.b, y, self.m.t(), beta=.5, alpha=2.)], 1)",
        "self.v = nn.Parameter(torch.randn(784)); self.m = nn.Parameter(torch.randn(7, 784)); self.b = nn.Parameter(torch.randn(7))",
        23,
    ),
    "causal attention": (
        "x = x.squeeze(1); m = torch.triu(torch.full((28, 28), float('-inf')), 1); x = self.a(x, x, x, attn_mask=m)[0]; x = x + self.a(x, x, x, attn_mask=m, need_weights=False)[0]; q = x.unsqueeze(1) * self.w; x = F.scaled_dot_product_attention(q, q, q, is_causal=True)",
        "self.a = nn.MultiheadAttention(28, 4, batch_first=True); self.w = nn.Parameter(torch.tensor(.5))",
        784,
    ),
    "attention with dropout": (
        "x = x.squeeze(1); x = self.a(x, x, x)[0]",
        "self.a = nn.MultiheadAttention(28, 4, dropout=.2, batch_first=True)",
        784,
    ),
    "transformer with dropout": (
        "x = self.a(x.squeeze(1))",
        "self.a = nn.TransformerEncoder(nn.TransformerEncoderLayer(28, 4, 32, batch_first=True, activation='gelu', norm_first=True), 2)",
        784,
    ),
    "LSTM with dropout": (
        "x = self.a(x.squeeze(1))[0][:, -1]",
        "self.a = nn.LSTM(28, 16, 2, batch_first=True, dropout=.3)",
        16,
    ),
    "dropouts by hand": (
        "x = x * (torch.rand(x.shape) > .5).float() / .5 if self.training else x; m = F.dropout(torch.ones(len(x), 1, 28, 1), .2, self.training); x = x * m + m; x = F.dropout(x, .1, self.training, inplace=True); x = F.dropout1d(x.squeeze(1), .5, self.training)",
        "pass",
        784,
    ),
    "noise": (
        "x = x + torch.rand_like(x) * self.w + torch.randn(len(x), 1, 28, 28) + torch.empty_like(x).uniform_(-1, 2) + torch.zeros_like(x).normal_(1, .5) if self.training else x",
        "self.w = nn.Parameter(torch.tensor(.5))",
        784,
    ),
    "RReLU": (
        "x = self.r(self.c(x))",
        "self.c = nn.Conv2d(1, 2, 3); self.r = nn.RReLU()",
        1352,
    ),
    "sizes of images": (
        "x = F.interpolate(x, scale_factor=2); x = F.interpolate(x, size=(20, 23), mode='bilinear', align_corners=True); x = F.interpolate(x, scale_factor=(.5, 2), mode='bilinear')",
        "pass",
        460,
    ),
    "pads": (
        "x = F.pad(x, (-2, 1, 3, -1), value=.5); x = F.pad(x, (1, 2, 3, 0), mode='replicate'); x = F.pad(x.squeeze(1), (2, 1), mode='reflect'); x = F.pad(x, (1, 1), mode='replicate')",
        "pass",
        1155,
    ),
    "patches that overlap": (
        "x = F.unfold(self.c(x), (3, 2), dilation=2, padding=1, stride=(2, 3))",
        "self.c = nn.Conv2d(1, 2, 3)",
        1296,
    ),
    "tokens": (
        "x = x.squeeze(1); x = torch.cat([self.t.repeat(len(x), 1, 1), self.u.expand(len(x), -1, -1), x.repeat(1, 2, 1)], 1); x = x + torch.sin(torch.arange(58).unsqueeze(1) / 10 ** (torch.arange(0, 28, 1) / 28)) + torch.linspace(0, 1, 28)",
        "self.t = nn.Parameter(torch.randn(1, 1, 28)); self.u = nn.Parameter(torch.randn(1, 1, 28))",
        1624,
    ),
    "chosen": (
        "i = torch.tensor([3, 1, 2]); y = x.index_select(2, i); x = torch.cat([y, x[:, :, i], x[..., 2:3, :], x[:, :, ::9]], 2); x = x + self.e((x * 9).long()).squeeze(-1)",
        "self.e = nn.Embedding(30, 1)",
        308,
    ),
    "gradients stopped": (
        "y = torch.tanh(x * self.w); x = x + (y - x).detach() * self.w\n        with torch.no_grad(): s = (x * self.w).mean((1, 2, 3), keepdim=True)\n        x = x * s + y.detach()",
        "self.w = nn.Parameter(torch.tensor(.5))",
        784,
    ),
    "weight norm as a parametrization": (
        "x = self.c(x)",
        "self.c = nn.utils.parametrizations.weight_norm(nn.Conv2d(1, 2, 3))",
        1352,
    ),
    "axes in place": (
        "y = x * self.w; y.squeeze_(1); y.unsqueeze_(2); y.transpose_(1, 3); x = y",
        "self.w = nn.Parameter(torch.tensor(.5))",
        784,
    ),
    "the input written": (
        "x -= .5; x *= self.w",
        "self.w = nn.Parameter(torch.tensor(.5))",
        784,
    ),
    "parts": (
        "a, b, c = torch.split(x, [3, 5, 20], 2); d = x.unbind(3)[4]; e, f = x.chunk(2, 3); x = torch.cat([a.flatten(1), b.flatten(1).tanh(), c.flatten(1), d.flatten(1), torch.stack([e, f], 1).flatten(1)], 1)",
        "pass",
        1596,
    ),
    "mixture": (
        "x = x.flatten(1); g = torch.softmax(self.g(x), 1); x = sum(g[:, k:k+1] * torch.relu(e(x)) for k, e in enumerate(self.e))",
        "self.g = nn.Linear(784, 3); self.e = nn.ModuleList(nn.Linear(784, 16) for _ in range(3))",
        16,
    ),
    "squeeze and excitation": (
        "x = self.c(x); s = x.mean((2, 3)); s = torch.sigmoid(self.b(torch.relu(self.a(s)))); x = x * s[:, :, None, None]",
        "self.c = nn.Conv2d(1, 8, 3); self.a = nn.Linear(8, 4); self.b = nn.Linear(4, 8)",
        5408,
    ),
    "doubles": (
        "x = (x.double() * self.w.double()).float() + torch.tensor(.3, dtype=torch.float64)",
        "self.w = nn.Parameter(torch.tensor(.5))",
        784,
    ),
    "bool masks": (
        "m = torch.ones(28, 28).tril() > 0; x = x.masked_fill(m, 0.); x = x * (x > .2) + torch.zeros_like(x).masked_fill_(m, 1.)",
        "pass",
        784,
    ),
    "weights from statistics": (
        "w = self.w - self.w.mean((1, 2, 3), keepdim=True); w = w / w.std((1, 2, 3), keepdim=True); x = F.conv2d(x, w)",
        "self.w = nn.Parameter(torch.randn(3, 1, 5, 5))",
        1728,
    ),
    "pixel shuffle": (
        "x = F.pixel_unshuffle(x, 2); x = F.pixel_shuffle(x, 2)",
        "pass",
        784,
    ),
    "comparisons": (
        "x = x * (x > .5) + (x >= x.max()).float()",
        "pass",
        784,
    ),
    "LRN": (
        "x = self.n(self.c(x))",
        "self.c = nn.Conv2d(1, 6, 5); self.n = nn.LocalResponseNorm(5, 1e-3, .5, 2.)",
        3456,
    ),
    "GRU cell": (
        "h = torch.zeros(len(x), 16)\n        for i in range(28): h = self.a(x[:, 0, i], h)\n        x = h",
        "self.a = nn.GRUCell(28, 16)",
        16,
    ),
    "bidirectional GRU": (
        "x = self.a(x.squeeze(1))[0].mean(1)",
        "self.a = nn.GRU(28, 8, 2, bidirectional=True, batch_first=True)",
        16,
    ),
    "chunks in place": (
        "a, b = torch.unsafe_chunk(self.l(x.flatten(1)), 2, 1); x = a.sigmoid_() * b.tanh_()",
        "self.l = nn.Linear(784, 20)",
        10,
    ),
    "a view read after a write": (
        "y = x * self.w; v = y[:, :, 3]; y += 1; y = y.mul_(2); x = torch.cat([y.flatten(1), v.flatten(1)], 1)",
        "self.w = nn.Parameter(torch.tensor(.5))",
        812,
    ),
}
