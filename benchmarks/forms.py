"""How figures are written, with their units."""


def count(value: float) -> str:
    """Three digits that tell something: 1.23M, 457k, 89.0k."""
    for unit, name in ((1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{_three(value / unit)}{name}"
    return _three(value)


def a_second(value: float) -> str:
    return f"{count(value)}/s"


def seconds(value: float) -> str:
    return f"{_three(value)} s"


def milliseconds(us: float) -> str:
    """From microseconds."""
    return f"{_three(us / 1000)} ms"


def microseconds(value: float) -> str:
    return f"{_three(value)} µs"


def in_bytes(value: float) -> str:
    return f"{count(value)} B"


def kilobytes(value: float) -> str:
    return f"{_three(value)} kB"


def percent(value: float) -> str:
    return f"{_three(value)} %"


def times(value: float) -> str:
    return f"{_three(value)} x"


def _three(value: float) -> str:
    places = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
    return f"{value:.{places}f}"
