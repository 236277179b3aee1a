"""The version of piehub, told to each client as `serverVersion`."""

__version__ = "0.1.0"
