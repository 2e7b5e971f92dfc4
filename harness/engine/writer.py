"""Writes LLVM's intermediate representation: loops over vectors of images, with Python's operators.

One lane of a vector is one image. All sizes but the number of blocks are constants, so the compiler sees every stride.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

FLOAT, DOUBLE = ir.FloatType(), ir.DoubleType()
INT64, INT32, BYTE = ir.IntType(64), ir.IntType(32), ir.IntType(8)
_FUSED = ("contract",)
"""A product and a sum may become one instruction; nothing else of IEEE 754's rules is given up."""

Index = "int | Whole"


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

    def function(self, key: Any, arguments: Sequence[ir.Type | None], body: Callable[..., None], *, internal: bool) -> str:
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
        return self._functions[key].name

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
        self.code = code
        self._function = function
        self.builder = ir.IRBuilder(function.append_basic_block("entry"))

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

    def call(self, name: str, *arguments: Pointer | Whole | int) -> None:
        """Call a function of this module."""
        values = [self.whole(a).value if isinstance(a, int) else a.value for a in arguments]
        self.builder.call(self.code.module.get_global(name), values)


@dataclass(frozen=True)
class Whole:
    """A whole number of 64 bits. Arithmetic with 0 and 1 writes nothing."""

    writer: Writer
    value: ir.Value

    def __add__(self, other: int | Whole) -> Whole:
        if isinstance(other, int) and other == 0:
            return self
        return Whole(self.writer, self.writer.builder.add(self.value, self.writer.whole(other).value))

    __radd__ = __add__

    def __sub__(self, other: int | Whole) -> Whole:
        return Whole(self.writer, self.writer.builder.sub(self.value, self.writer.whole(other).value))

    def __rsub__(self, other: int) -> Whole:
        return self.writer.whole(other) - self

    def __mul__(self, other: int | Whole) -> Whole:
        if isinstance(other, int) and other == 1:
            return self
        return Whole(self.writer, self.writer.builder.mul(self.value, self.writer.whole(other).value))

    __rmul__ = __mul__

    def __floordiv__(self, other: int) -> Whole:
        """Rounds towards zero: both must be positive."""
        if other == 1:
            return self
        return Whole(self.writer, self.writer.builder.sdiv(self.value, INT64(other)))

    def __mod__(self, other: int) -> Whole:
        """Both must be positive."""
        return Whole(self.writer, self.writer.builder.srem(self.value, INT64(other)))

    def at_least(self, other: int | Whole) -> Whole:
        """The larger of the two."""
        return self._chosen(">", other)

    def at_most(self, other: int | Whole) -> Whole:
        """The smaller of the two."""
        return self._chosen("<", other)

    def _chosen(self, comparison: str, other: int | Whole) -> Whole:
        builder, two = self.writer.builder, self.writer.whole(other).value
        return Whole(
            self.writer, builder.select(builder.icmp_signed(comparison, self.value, two), self.value, two)
        )

    def as_float(self) -> Vector:
        """The number in each lane."""
        return Scalar(self.writer, self.writer.builder.sitofp(self.value, FLOAT)).spread()

    def as_bytes(self) -> Bytes:
        """The lowest eight bits in each lane."""
        return Bytes(self.writer, _spread(self.writer, self.writer.builder.trunc(self.value, BYTE), BYTE))


@dataclass(frozen=True)
class Scalar:
    """One float."""

    writer: Writer
    value: ir.Value

    def spread(self) -> Vector:
        """The number in each lane."""
        return Vector(self.writer, _spread(self.writer, self.value, FLOAT))


def _spread(writer: Writer, value: ir.Value, kind: ir.Type) -> ir.Value:
    lanes = writer.code.lanes
    empty = ir.Constant(ir.VectorType(kind, lanes), ir.Undefined)
    first = writer.builder.insert_element(empty, value, INT32(0))
    return writer.builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(INT32, lanes), [0] * lanes))


@dataclass(frozen=True)
class Vector:
    """A float for each image of a block."""

    writer: Writer
    value: ir.Value

    def _of(self, other: float | Vector) -> ir.Value:
        return other.value if isinstance(other, Vector) else self.writer.vector(other).value

    def _with(self, value: ir.Value) -> Vector:
        return Vector(self.writer, value)

    def __add__(self, other: float | Vector) -> Vector:
        return self._with(self.writer.builder.fadd(self.value, self._of(other), flags=_FUSED))

    __radd__ = __add__

    def __sub__(self, other: float | Vector) -> Vector:
        return self._with(self.writer.builder.fsub(self.value, self._of(other), flags=_FUSED))

    def __rsub__(self, other: float) -> Vector:
        return self.writer.vector(other) - self

    def __mul__(self, other: float | Vector) -> Vector:
        return self._with(self.writer.builder.fmul(self.value, self._of(other), flags=_FUSED))

    __rmul__ = __mul__

    def __truediv__(self, other: float | Vector) -> Vector:
        return self._with(self.writer.builder.fdiv(self.value, self._of(other)))

    def __rtruediv__(self, other: float) -> Vector:
        return self.writer.vector(other) / self

    def __neg__(self) -> Vector:
        return self._with(self.writer.builder.fneg(self.value))

    def plus_product(self, one: Vector, other: Vector) -> Vector:
        """self + one * other, rounded once."""
        code = self.writer.code
        fma = code.intrinsic(f"llvm.fma.v{code.lanes}f32", code.floats, *[code.floats] * 3)
        return self._with(self.writer.builder.call(fma, [one.value, other.value, self.value]))

    def root(self) -> Vector:
        """The square root."""
        code = self.writer.code
        sqrt = code.intrinsic(f"llvm.sqrt.v{code.lanes}f32", code.floats, code.floats)
        return self._with(self.writer.builder.call(sqrt, [self.value]))

    def compare(self, sign: str, other: float | Vector) -> Mask:
        """Where a comparison holds; nowhere for NaN."""
        return Mask(self.writer, self.writer.builder.fcmp_ordered(sign, self.value, self._of(other)))

    def is_nan(self) -> Mask:
        """Where it is no number."""
        return Mask(self.writer, self.writer.builder.fcmp_unordered("uno", self.value, self.value))

    def bits(self) -> ir.Value:
        """The same bits as whole numbers of 32 bits."""
        return self.writer.builder.bitcast(self.value, self.writer.code.ints)

    def absolute(self) -> Vector:
        """Without its sign."""
        return self._bitwise(self.writer.builder.and_, self.bits(), 0x7FFFFFFF)

    def with_sign_of(self, other: Vector) -> Vector:
        """A positive number with the sign of another."""
        sign = self.writer.builder.and_(other.bits(), _ints(self.writer, 0x80000000))
        return _floats(self.writer, self.writer.builder.or_(self.bits(), sign))

    def _bitwise(self, operation: Callable[..., ir.Value], bits: ir.Value, mask: int) -> Vector:
        return _floats(self.writer, operation(bits, _ints(self.writer, mask)))

    def doubled(self) -> Doubles:
        """In double precision."""
        return Doubles(self.writer, self.writer.builder.fpext(self.value, self.writer.code.doubles))


def _ints(writer: Writer, number: int) -> ir.Value:
    return ir.Constant(writer.code.ints, [number] * writer.code.lanes)


def _floats(writer: Writer, bits: ir.Value) -> Vector:
    return Vector(writer, writer.builder.bitcast(bits, writer.code.floats))


def power_of_two(exponent: Vector) -> Vector:
    """2 to a whole number from -126 to 127."""
    writer = exponent.writer
    whole = writer.builder.fptosi(exponent.value, writer.code.ints)
    shifted = writer.builder.shl(writer.builder.add(whole, _ints(writer, 127)), _ints(writer, 23))
    return _floats(writer, shifted)


def split(number: Vector) -> tuple[Vector, Vector]:
    """Mantissa from 0.5 to 1 and exponent of a positive normal number."""
    writer, builder = number.writer, number.writer.builder
    exponent = builder.sub(builder.lshr(number.bits(), _ints(writer, 23)), _ints(writer, 126))
    mantissa = builder.or_(builder.and_(number.bits(), _ints(writer, 0x007FFFFF)), _ints(writer, 0x3F000000))
    return _floats(writer, mantissa), Vector(writer, builder.sitofp(exponent, writer.code.floats))


@dataclass(frozen=True)
class Doubles:
    """A double for each image of a block; for sums over many numbers."""

    writer: Writer
    value: ir.Value

    def __add__(self, other: Doubles) -> Doubles:
        return Doubles(self.writer, self.writer.builder.fadd(self.value, other.value))

    def total(self) -> ir.Value:
        """The sum of all lanes, a double."""
        code = self.writer.code
        add = code.intrinsic(f"llvm.vector.reduce.fadd.v{code.lanes}f64", DOUBLE, DOUBLE, code.doubles)
        return self.writer.builder.call(add, [ir.Constant(DOUBLE, 0.0), self.value], fastmath=("reassoc",))


@dataclass(frozen=True)
class Mask:
    """Yes or no for each image of a block."""

    writer: Writer
    value: ir.Value

    def __or__(self, other: Mask) -> Mask:
        return Mask(self.writer, self.writer.builder.or_(self.value, other.value))

    def select(self, yes: Any, no: Any) -> Any:
        """`yes` where it holds, else `no`: two vectors, or a vector and a number."""
        kind = type(yes) if isinstance(yes, (Vector, Bytes)) else type(no) if isinstance(no, (Vector, Bytes)) else Vector
        values = [item.value if isinstance(item, kind) else self.writer.vector(item).value for item in (yes, no)]
        return kind(self.writer, self.writer.builder.select(self.value, *values))


@dataclass(frozen=True)
class Bytes:
    """A number of eight bits for each image of a block: which place of a window was the largest."""

    writer: Writer
    value: ir.Value

    @classmethod
    def of(cls, writer: Writer, number: int) -> Bytes:
        """The same number in each lane."""
        return cls(writer, ir.Constant(writer.code.bytes, [number] * writer.code.lanes))

    def equals(self, other: int | Bytes) -> Mask:
        """Where they are equal."""
        two = other if isinstance(other, Bytes) else Bytes.of(self.writer, other)
        return Mask(self.writer, self.writer.builder.icmp_signed("==", self.value, two.value))


@dataclass(frozen=True)
class Words:
    """A whole number of 32 bits without a sign for each image of a block."""

    writer: Writer
    value: ir.Value

    def at_least(self, other: Whole) -> Mask:
        """Where it is at least as large as the lowest 32 bits of another."""
        two = _spread(self.writer, self.writer.builder.trunc(other.value, INT32), INT32)
        return Mask(self.writer, self.writer.builder.icmp_unsigned(">=", self.value, two))


@dataclass(frozen=True)
class Pointer:
    """Items of one type in memory. An index counts items."""

    writer: Writer
    value: ir.Value
    item: ir.Type

    def __add__(self, index: int | Whole) -> Pointer:
        if isinstance(index, int) and index == 0:
            return self
        value = self.writer.builder.gep(self.value, [self.writer.whole(index).value], source_etype=self.item)
        return Pointer(self.writer, value, self.item)

    def __getitem__(self, index: int | Whole) -> Any:
        loaded = self.writer.builder.load((self + index).value, typ=self.item, align=_alignment(self.item))
        return _KINDS[type(self.item) is ir.VectorType, _element(self.item)](self.writer, loaded)

    def __setitem__(self, index: int | Whole, item: Any) -> None:
        self.writer.builder.store(item.value, (self + index).value, align=_alignment(self.item))

    def add(self, index: int | Whole, number: Vector) -> None:
        """Add to what is there."""
        self[index] = self[index] + number

    def as_vectors(self) -> Pointer:
        """The same memory as vectors of floats; it must be aligned to them."""
        return Pointer(self.writer, self.value, self.writer.code.floats)


def _element(kind: ir.Type) -> ir.Type:
    return kind.element if isinstance(kind, ir.VectorType) else kind


def _alignment(kind: ir.Type) -> int:
    size = {FLOAT: 4, DOUBLE: 8, INT64: 8, INT32: 4, BYTE: 1}[_element(kind)]
    return size * kind.count if isinstance(kind, ir.VectorType) else size


_KINDS: dict[tuple[bool, ir.Type], Callable[[Writer, ir.Value], Any]] = {
    (False, FLOAT): Scalar,
    (False, INT64): Whole,
    (False, BYTE): lambda writer, value: Whole(writer, writer.builder.zext(value, INT64)),
    (True, FLOAT): Vector,
    (True, BYTE): Bytes,
    (True, INT32): Words,
}
