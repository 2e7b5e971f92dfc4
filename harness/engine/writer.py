"""Writes LLVM's intermediate representation: loops over vectors of images, with Python's operators.

One lane of a vector is one image. All sizes but the number of blocks are constants, so the compiler sees every stride.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from llvmlite import ir

from harness.engine.values import BYTE, DOUBLE, FLOAT, INT32, INT64, Doubles, Pointer, Vector, Whole

T = TypeVar("T", Vector, Doubles)


class Code:
    """A module being written, for vectors of so many lanes. Each function is written once."""

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        self.module = ir.Module("engine")
        self.floats = ir.VectorType(FLOAT, lanes)
        self.doubles = ir.VectorType(DOUBLE, lanes)
        self.ints = ir.VectorType(INT32, lanes)
        self.bytes = ir.VectorType(BYTE, lanes)
        self._functions: dict[Any, ir.Function] = {}
        self._intrinsics: dict[str, ir.Function] = {}

    def function(
        self, key: Any, arguments: Sequence[ir.Type | None], body: Callable[..., None], *, internal: bool
    ) -> str:
        """The name of the function of this key; `body` writes it if it is new. Arguments are pointers to the items of a
        type, or whole numbers where it is None."""
        if key not in self._functions:
            kinds = [INT64 if item is None else ir.PointerType() for item in arguments]
            kind = ir.FunctionType(ir.VoidType(), kinds)
            function = ir.Function(self.module, kind, f"f{len(self._functions)}")
            self._functions[key] = function
            _attribute(function, internal=internal)
            writer = Writer(self, function)
            body(writer, *(writer.argument(value, item) for value, item in zip(function.args, arguments, strict=True)))
            writer.builder.ret_void()
        return str(self._functions[key].name)

    def intrinsic(self, name: str, result: ir.Type, *arguments: ir.Type) -> ir.Function:
        """One of LLVM's own functions."""
        if name not in self._intrinsics:
            self._intrinsics[name] = ir.Function(self.module, ir.FunctionType(result, arguments), name)
        return self._intrinsics[name]


def _attribute(function: ir.Function, *, internal: bool) -> None:
    for argument in function.args:
        if isinstance(argument.type, ir.PointerType):
            argument.add_attribute("noalias")
    if internal:
        function.linkage = "internal"
        function.attributes.add("noinline")


class Writer:
    """A function being written."""

    def __init__(self, code: Code, function: ir.Function) -> None:
        self._code = code
        self._function = function
        self.builder = ir.IRBuilder(function.append_basic_block("entry"))

    @property
    def code(self) -> Code:
        """The module that the function is in."""
        return self._code

    def argument(self, value: ir.Value, item: ir.Type | None) -> Pointer | Whole:
        """An argument as what it points to, or as a whole number."""
        return Whole(self, value) if item is None else Pointer(self, value, item)

    def whole(self, number: int | Whole) -> Whole:
        """A whole number of 64 bits."""
        return number if isinstance(number, Whole) else Whole(self, INT64(number))

    def vector(self, number: float) -> Vector:
        """The same number in each lane."""
        return Vector(self, ir.Constant(self.code.floats, [float(number)] * self.code.lanes))

    def doubles(self, number: float) -> Doubles:
        """The same number in each lane, in double precision."""
        return Doubles(self, ir.Constant(self.code.doubles, [float(number)] * self.code.lanes))

    def loop(
        self,
        stop: int | Whole,
        body: Callable[..., Sequence[Any] | None],
        carried: Sequence[Any] = (),
        start: int | Whole = 0,
        step: int = 1,
    ) -> list[Any]:
        """for i in range(start, stop, step): carried = body(i, *carried). Returns what the last round carried."""
        builder, function = self.builder, self._function
        before = builder.block
        head, inside, after = (function.append_basic_block(name) for name in ("head", "inside", "after"))
        first, last = self.whole(start).value, self.whole(stop).value
        builder.branch(head)
        builder.position_at_end(head)
        counter = builder.phi(INT64)
        counter.add_incoming(first, before)
        phis = [builder.phi(value.value.type) for value in carried]
        for phi, value in zip(phis, carried, strict=True):
            phi.add_incoming(value.value, before)
        builder.cbranch(builder.icmp_signed("<", counter, last), inside, after)
        builder.position_at_end(inside)
        now = [type(value)(self, phi) for phi, value in zip(phis, carried, strict=True)]
        new = body(Whole(self, counter), *now) or ()
        counter.add_incoming(builder.add(counter, INT64(step)), builder.block)
        for phi, value in zip(phis, new, strict=True):
            phi.add_incoming(value.value, builder.block)
        builder.branch(head)
        builder.position_at_end(after)
        return now

    def each(self, count: int, body: Callable[[Any], None], most: int = 4) -> None:
        """body(i) for i in range(count): written out up to so many times, beyond as a loop, so that what a model makes
        us write does not grow with its sizes."""
        if count > most:
            self.loop(count, lambda i: body(i))
        else:
            for i in range(count):
                body(i)

    def fold(self, stop: int | Whole, body: Callable[[Whole, T], T], first: T) -> T:
        """A loop that carries one value: found = body(i, found)."""
        found: list[T] = self.loop(stop, lambda i, now: [body(i, now)], [first])
        return found[0]

    def call(self, name: str, *arguments: Pointer | Whole | int) -> None:
        """Call a function of this module."""
        values = [self.whole(a).value if isinstance(a, int) else a.value for a in arguments]
        self.builder.call(self.code.module.get_global(name), values)
