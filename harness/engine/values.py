"""Numbers and memory of a function that is being written: Python's operators on them write instructions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from llvmlite import ir

FLOAT, DOUBLE = ir.FloatType(), ir.DoubleType()
INT64, INT32, BYTE = ir.IntType(64), ir.IntType(32), ir.IntType(8)
_FUSED = ("contract",)
"""A product and a sum may become one instruction; nothing else of IEEE 754's rules is given up."""


class Kinds(Protocol):
    """The types of a module for so many lanes, and LLVM's own functions."""

    lanes: int
    floats: ir.VectorType
    doubles: ir.VectorType
    ints: ir.VectorType
    bytes: ir.VectorType

    def intrinsic(self, name: str, result: ir.Type, *arguments: ir.Type) -> ir.Function:
        """One of LLVM's own functions."""


class Writer(Protocol):
    """The function that numbers belong to."""

    builder: ir.IRBuilder

    @property
    def code(self) -> Kinds:
        """The module's types."""

    def whole(self, number: int | Whole) -> Whole:
        """A whole number of 64 bits."""

    def vector(self, number: float) -> Vector:
        """The same number in each lane."""


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
        return Whole(self.writer, builder.select(builder.icmp_signed(comparison, self.value, two), self.value, two))

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

    def select(self, yes: float | Vector, no: float | Vector) -> Vector:
        """`yes` where it holds, else `no`."""
        values = [
            self.writer.vector(item).value if isinstance(item, (int, float)) else item.value for item in (yes, no)
        ]
        return Vector(self.writer, self.writer.builder.select(self.value, *values))

    def pick(self, yes: Bytes, no: Bytes) -> Bytes:
        """`yes` where it holds, else `no`."""
        return Bytes(self.writer, self.writer.builder.select(self.value, yes.value, no.value))


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


def _widened(writer: Writer, value: ir.Value) -> Whole:
    return Whole(writer, writer.builder.zext(value, INT64))


_KINDS: dict[tuple[bool, ir.Type], Callable[[Writer, ir.Value], Any]] = {
    (False, FLOAT): Scalar,
    (False, INT64): Whole,
    (False, BYTE): _widened,
    (True, FLOAT): Vector,
    (True, BYTE): Bytes,
    (True, INT32): Words,
}
