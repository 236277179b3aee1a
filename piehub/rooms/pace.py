"""How often each of many may do something."""

from __future__ import annotations

_FEW = 1000


class Pace:
    """For each key, `rate` times a second, and `burst` times at once; a rate of 0 is any number.

    Times are monotonic, in seconds. What it keeps of a key is of no use once that has waited, and
    goes then.
    """

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        # The microsecond, because sums of fractions are not exact.
        self._ahead = (burst - 1) / rate + 1e-6 if rate else 0.0
        # To when what each has done so far would have taken at the rate.
        self._spent_until: dict[str, float] = {}
        self._many = _FEW

    def __len__(self) -> int:
        return len(self._spent_until)

    def is_spent(self, key: str, now: float) -> bool:
        """Whether this one has to wait."""
        return self._spent_until.get(key, 0.0) > now + self._ahead

    def spend(self, key: str, now: float) -> None:
        """This one has done it once more."""
        if not self.rate:
            return
        self._spent_until[key] = max(self._spent_until.get(key, 0.0), now) + 1 / self.rate
        if len(self._spent_until) > self._many:
            self._spent_until = {
                one: until for one, until in self._spent_until.items() if until > now
            }
            self._many = max(_FEW, 2 * len(self._spent_until))
