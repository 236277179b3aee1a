"""XOR a payload with its four-byte mask (RFC 6455 section 5.3)."""

from __future__ import annotations

__all__ = ["apply_mask", "xor_mask"]


def xor_mask(data: bytes | bytearray | memoryview[int], mask: bytes | bytearray) -> bytes:
    """Mask or unmask `data`, in Python: one XOR of two big integers."""
    size = len(data)
    pad = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "little") ^ int.from_bytes(pad, "little")).to_bytes(size, "little")


try:
    # In C: a short frame costs a fifth of the above, 16 kB a hundredth.
    from websockets.speedups import apply_mask
except ImportError:  # a platform for which websockets has no binary wheel
    apply_mask = xor_mask
