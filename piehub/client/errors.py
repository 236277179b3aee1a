"""What a client raises, and what it tells `on_error`."""


class PieError(Exception):
    """Something that a client could not do; the text says what, and why."""


class PieTimeout(PieError, TimeoutError):
    """It took longer than the time that it was given. It may still happen."""


class NotConnected(PieError, ConnectionError):
    """There is no connection, or it ended before the hub had answered."""


class Refused(PieError):
    """The hub said no; the text is the hub's."""
