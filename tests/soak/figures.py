"""How much a run is to do, and what it has seen."""

from typing import NamedTuple


class Extent(NamedTuple):
    """How much of the full form a run is.

    crowd: of its clients at once. length: of its ten minutes, and of all that it counts.
    """

    crowd: float
    length: float
    seed: int

    @property
    def is_long(self):
        """Whether there is the time to tell a trend from noise."""
        return self.length >= 1

    def many(self, full, least=2):
        """So many clients or rooms at once, where the full form has `full`."""
        return max(least, round(full * self.crowd))

    def count(self, full, least=1):
        """So many one after the other."""
        return max(least, round(full * self.length))

    def seconds(self, full, least=0.5):
        """So long."""
        return max(least, full * self.length)


FULL = Extent(crowd=1, length=1, seed=0)
QUICK = Extent(crowd=0.05, length=0.01, seed=0)


class Figure(NamedTuple):
    """One line of what a phase has seen. held: whether it is on target; None if it has none."""

    name: str
    value: float
    target: str = "-"
    held: bool | None = None
    note: str = ""

    def line(self, phase):
        verdict = {None: "", True: "ok", False: "FALLS SHORT"}[self.held]
        value = f"{self.value:,.2f}".removesuffix(".00")
        return (
            f"{phase:8} {self.name:42} {value:>9}  ({self.target})  {verdict}  {self.note}".rstrip()
        )


def none(name, value, note=""):
    """What there must be nothing of."""
    return exactly(name, value, 0, note)


def exactly(name, value, target, note=""):
    return Figure(name, value, f"{target:,}", value == target, note)


def below(name, value, target, note="", *, judged=True):
    return Figure(name, value, f"under {target:,}", value < target if judged else None, note)


def at_least(name, value, target, note=""):
    return Figure(name, value, f"{target:,} or more", value >= target, note)


def left_behind(before, after):
    """What of two looks at an empty hub there is more of in the second."""
    for name in ("clients", "rooms", "heartbeat", "greenlets", "descriptors"):
        yield none(f"{name} left behind", after[name] - before[name])


_WRONGS = (
    *("lost", "doubled", "out of order", "strange"),
    *("another id", "refused", "not in the room"),
)


def receipts(wrong, note="", what=""):
    """What was wrong with what was heard."""
    for name in _WRONGS:
        yield none(what + name, wrong[name], note)
        note = ""
