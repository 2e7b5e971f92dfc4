"""What begins and ends a step of training: images into lanes, dense layers' biases, losses, optimizers."""

from __future__ import annotations

from collections.abc import Callable

from harness.engine.addresses import Row, Value
from harness.engine.functions import activated, exp, log, passed_back
from harness.engine.steps import Activation, Place
from harness.engine.values import BYTE, FLOAT, INT64, Pointer, Scalar, Vector, Whole
from harness.engine.writer import Code, Writer
from harness.records.graph import OutputKind


def gather(code: Code, y: Place) -> str:
    """Images of one byte for each pixel, which of them (a number for each lane), what each byte is as a float, y,
    blocks."""

    def body(
        w: Writer, images: Pointer, order: Pointer, floats: Pointer, written: Pointer, blocks: Whole
    ) -> None:  # fmt: skip
        result, lanes = Value(written, y, blocks), code.lanes

        def block(n: Whole) -> None:
            sources = [images + order[n * lanes + lane] * y.count for lane in range(lanes)]

            def row(c: Whole, h: Whole) -> None:
                out, first = result.row(n, c, h), (c * y.dims[1] + h) * y.dims[2]

                def one(q: Whole) -> None:
                    place = Pointer(w, (out.start + q * out.step).value, FLOAT)
                    for lane, source in enumerate(sources):
                        place[lane] = floats[source[first + q]]

                w.loop(y.dims[2], one)

            w.loop(y.dims[0], lambda c: w.loop(y.dims[1], lambda h: row(c, h)))

        w.loop(blocks, block)

    return code.function(("gather", y), (BYTE, INT64, FLOAT, code.floats, None), body, internal=False)


def finish_dense(code: Code, activation: Activation | None, *, has_bias: bool) -> str:
    """Results in rows (changed), biases, outputs, blocks."""

    def body(w: Writer, results: Pointer, biases: Pointer, outputs: Whole, blocks: Whole) -> None:
        def row(f: Whole) -> None:
            start = results + f * blocks
            bias = biases[f].spread() if has_bias else w.vector(0.0)
            w.loop(blocks, lambda n: _set(start, n, activated(activation, start[n] + bias if has_bias else start[n])))

        w.loop(outputs, row)

    key = ("dense", activation, has_bias)
    return code.function(key, (code.floats, FLOAT, None, None), body, internal=False)


def _set(pointer: Pointer, index: Whole, number: Vector) -> None:
    pointer[index] = number


def dense_backward(code: Code, activation: Activation | None) -> str:
    """Gradients in rows (changed), results, sums for the biases (a vector each), outputs, blocks."""

    def body(w: Writer, gradients: Pointer, results: Pointer, sums: Pointer, outputs: Whole, blocks: Whole) -> None:
        def row(f: Whole) -> None:
            start, kept = gradients + f * blocks, results + f * blocks

            def one(n: Whole, total: Vector) -> Vector:
                number = passed_back(activation, start[n], kept[n])
                start[n] = number
                return total + number

            sums[f] = w.fold(blocks, one, w.vector(0.0))

        w.loop(outputs, row)

    arguments = (code.floats, code.floats, code.floats, None, None)
    return code.function(("dense back", activation), arguments, body, internal=False)


def soften(code: Code, x: Place, y: Place, *, is_log: bool) -> str:
    """x, y, blocks: softmax or log-softmax over all numbers of an image."""

    def body(w: Writer, read: Pointer, written: Pointer, blocks: Whole) -> None:
        source, result = Value(read, x, blocks), Value(written, y, blocks)

        def block(n: Whole) -> None:
            numbers, out = source.row(n, 0, 0), result.row(n, 0, 0)
            most = _most(w, x.count, lambda f: numbers[f])
            total = _sum(w, x.count, lambda f: exp(numbers[f] - most))
            shift = most + log(total)
            w.loop(
                x.count, lambda f: out.write(f, _softened(numbers[f], most, total, shift, is_log=is_log), adds=False)
            )

        w.loop(blocks, block)

    return code.function(("soften", x, y, is_log), (code.floats, code.floats, None), body, internal=False)


def _softened(x: Vector, most: Vector, total: Vector, shift: Vector, *, is_log: bool) -> Vector:
    return x - shift if is_log else exp(x - most) / total


def _most(w: Writer, count: int, number: Callable[[Whole], Vector]) -> Vector:
    def larger(f: Whole, now: Vector) -> Vector:
        x = number(f)
        return (x.compare(">", now) | x.is_nan()).select(x, now)

    return w.fold(count, larger, w.vector(float("-inf")))


def _sum(w: Writer, count: int, number: Callable[[Whole], Vector]) -> Vector:
    return w.fold(count, lambda f, now: now + number(f), w.vector(0.0))


def soften_backward(code: Code, x: Place, y: Place, *, is_log: bool, adds: bool) -> str:
    """y, gradient of y, gradient of x, blocks."""

    def body(w: Writer, kept: Pointer, given: Pointer, written: Pointer, blocks: Whole) -> None:
        results, gradients, into = Value(kept, y, blocks), Value(given, y, blocks), Value(written, x, blocks)

        def block(n: Whole) -> None:
            result, gradient, out = results.row(n, 0, 0), gradients.row(n, 0, 0), into.row(n, 0, 0)
            if is_log:
                total = _sum(w, y.count, lambda f: gradient[f])
                slope: Callable[[Whole], Vector] = lambda f: gradient[f] - exp(result[f]) * total  # noqa: E731
            else:
                total = _sum(w, y.count, lambda f: gradient[f] * result[f])
                slope = lambda f: result[f] * (gradient[f] - total)  # noqa: E731
            w.loop(y.count, lambda f: out.write(f, slope(f), adds=adds))

        w.loop(blocks, block)

    key = ("soften back", x, y, is_log, adds)
    return code.function(key, (code.floats, code.floats, code.floats, None), body, internal=False)


def loss(code: Code, y: Place, kind: OutputKind, floor: float) -> str:
    """Outputs, labels (as floats), weight of each image (1 / images of the batch, 0 for a lane without one), gradient
    of the outputs, losses, blocks. Labels, weights and losses have a vector for each block."""

    def body(
        w: Writer, outputs: Pointer, labels: Pointer, weights: Pointer, gradient: Pointer, losses: Pointer,
        blocks: Whole,
    ) -> None:  # fmt: skip
        results, slopes = Value(outputs, y, blocks), Value(gradient, y, blocks)

        def block(n: Whole) -> None:
            row, out, label, weight = results.row(n, 0, 0), slopes.row(n, 0, 0), labels[n], weights[n]
            losses[n] = _LOSSES[kind](w, y.count, row, out, label, weight, floor)

        w.loop(blocks, block)

    vector = code.floats
    arguments = (vector, vector, vector, vector, vector, None)
    return code.function(("loss", y, kind, floor), arguments, body, internal=False)


def _cross_entropy(w: Writer, count: int, row: Row, out: Row, label: Vector, weight: Vector, _: float) -> Vector:
    most = _most(w, count, lambda f: row[f])
    total = _sum(w, count, lambda f: exp(row[f] - most))

    def one(f: Whole, true: Vector) -> Vector:
        is_true = label.compare("==", f.as_float())
        share = exp(row[f] - most) / total
        out[f] = (share - is_true.select(1.0, w.vector(0.0))) * weight
        return is_true.select(row[f], true)

    true = w.fold(count, one, w.vector(0.0))
    return log(total) - (true - most)


def _likelihood(w: Writer, count: int, row: Row, out: Row, label: Vector, weight: Vector, _: float) -> Vector:
    def one(f: Whole, true: Vector) -> Vector:
        is_true = label.compare("==", f.as_float())
        out[f] = is_true.select(-weight, 0.0)
        return is_true.select(row[f], true)

    true = w.fold(count, one, w.vector(0.0))
    return -true


def _of_probabilities(w: Writer, count: int, row: Row, out: Row, label: Vector, weight: Vector, floor: float) -> Vector:
    """Probabilities are kept within the floor and 1 minus it; beyond, the gradient is 0."""

    def one(f: Whole, true: Vector) -> Vector:
        is_true, share = label.compare("==", f.as_float()), row[f]
        is_outside = share.compare("<", floor) | share.compare(">", 1 - floor)
        out[f] = is_true.select(is_outside.select(0.0, -(weight / share)), 0.0)
        return is_true.select(share, true)

    true = w.fold(count, one, w.vector(1.0))
    kept = true.compare("<", floor).select(floor, true.compare(">", 1 - floor).select(1 - floor, true))
    return -log(kept)


_LOSSES: dict[OutputKind, Callable[..., Vector]] = {
    OutputKind.LOGITS: _cross_entropy,
    OutputKind.LOG_PROBABILITIES: _likelihood,
    OutputKind.PROBABILITIES: _of_probabilities,
}


def adam(code: Code) -> str:
    """Parameters, gradients, means, squares (all a multiple of the lanes long), constants, vectors. The constants are
    1 - beta 1, 1 - beta 2, epsilon, rate / (1 - beta 1^t), 1 / sqrt(1 - beta 2^t) (Kingma and Ba 2015, algorithm 1)."""

    def body(
        w: Writer, parameters: Pointer, gradients: Pointer, means: Pointer, squares: Pointer, constants: Pointer,
        vectors: Whole,
    ) -> None:  # fmt: skip
        first, second, epsilon, step, root = (_constant(constants, index) for index in range(5))

        def one(i: Whole) -> None:
            gradient = gradients[i]
            mean, square = means[i], squares[i]
            mean = mean.plus_product(first, gradient - mean)
            square = square.plus_product(second, gradient * gradient - square)
            means[i], squares[i] = mean, square
            parameters[i] = parameters[i] - step * mean / (square.root() * root + epsilon)

        w.loop(vectors, one)

    vector = code.floats
    return code.function("adam", (vector, vector, vector, vector, FLOAT, None), body, internal=False)


def _constant(constants: Pointer, index: int) -> Vector:
    number: Scalar = constants[index]
    return number.spread()


def sgd(code: Code) -> str:
    """Parameters, gradients, momenta, constants (rate, momentum), vectors."""

    def body(
        w: Writer, parameters: Pointer, gradients: Pointer, momenta: Pointer, constants: Pointer, vectors: Whole
    ) -> None:  # fmt: skip
        rate, momentum = (_constant(constants, index) for index in range(2))

        def one(i: Whole) -> None:
            moved = gradients[i].plus_product(momentum, momenta[i])
            momenta[i] = moved
            parameters[i] = parameters[i] - rate * moved

        w.loop(vectors, one)

    vector = code.floats
    return code.function("sgd", (vector, vector, vector, FLOAT, None), body, internal=False)
