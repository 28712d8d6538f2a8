"""Damages files in the ways that transfers, disks and attackers do; the same number gives the same bytes."""

import random
from collections.abc import Callable, Sequence

EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
"""Numbers at which sizes, counts and offsets overflow."""

AREAS = (40, 400, 100_000_000)
"""Bytes at the beginning that a change falls into: headers count more than pixels."""


def _place(data: bytes, chance: random.Random) -> int:
    return chance.randrange(min(len(data), chance.choice(AREAS)))


def _span(data: bytes, chance: random.Random) -> tuple[int, int]:
    start = _place(data, chance)
    return start, min(len(data), start + chance.choice((1, 2, 4, 8, 64, 1000)))


def flipped(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Change single bytes."""
    damaged = bytearray(data)
    for _ in range(chance.choice((1, 2, 5))):
        damaged[_place(data, chance)] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def filled(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Overwrite a range with one byte."""
    start, stop = _span(data, chance)
    return data[:start] + chance.choice((b"\0", b"\xff", b"\x01")) * (stop - start) + data[stop:]


def extreme(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Put an extreme number in either byte order where there may be a size, a count or an offset."""
    size = chance.choice((1, 2, 4, 8))
    number = chance.choice(EXTREMES) % 256**size
    if chance.random() < 0.5:
        number = chance.choice((len(data), number, 2**24, 40_000)) % 256**size
    start = _place(data, chance)
    start -= start % chance.choice((1, 2, 4))
    return data[:start] + number.to_bytes(size, chance.choice(("little", "big"))) + data[start + size :]


def cut(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Leave out the end."""
    return data[: 1 + _place(data, chance)]


def dropped(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Leave out a range."""
    start, stop = _span(data, chance)
    return data[:start] + data[stop:]


def repeated(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Repeat a range, up to thousands of times."""
    start, stop = _span(data, chance)
    return (
        data[:stop] + data[start:stop] * chance.choice((1, 2, 50, 5000 // (stop - start) + 1)) + data[stop:]
    )


def swapped(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Exchange two ranges."""
    (a, b), (c, d) = sorted((_span(data, chance), _span(data, chance)))
    return data if b > c else data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


def lengthened(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Append what does not belong to the file."""
    return data + chance.choice((chance.randbytes(chance.randrange(2000)), other, bytes(5000)))


def spliced(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """The beginning of one file and the rest of another."""
    return data[: _place(data, chance)] + other[_place(other, chance) :]


MUTATIONS: tuple[Callable[[bytes, bytes, random.Random], bytes], ...] = (
    flipped, filled, extreme, extreme, cut, dropped, repeated, swapped, lengthened, spliced,
)  # fmt: skip


def mutated(files: Sequence[bytes], chance: random.Random) -> tuple[bytes, list[str]]:
    """One of the files with up to four changes, and the names of these."""
    data = chance.choice(files)
    made = []
    for _ in range(chance.choice((1, 1, 2, 4))):
        change = chance.choice(MUTATIONS)
        if data:
            data = change(data, chance.choice(files) or b"\0", chance)
            made.append(change.__name__)
    return data, made
