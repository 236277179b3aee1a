"""Numbers as JavaScript prints them."""

from __future__ import annotations

from decimal import Decimal


def text_of(number: float) -> str:
    """Print a number as JavaScript's String() does (ECMA-262, Number::toString)."""
    try:
        number = float(number) + 0.0  # what a JavaScript number holds of it; -0 prints as 0
    except OverflowError:
        return "Infinity" if number > 0 else "-Infinity"
    if number == 0 or 1e-6 <= abs(number) < 1e21:
        return format(Decimal(repr(number)), "f").removesuffix(".0")
    digits, _, exponent = repr(number).partition("e")
    return f"{digits}e{int(exponent):+d}"
