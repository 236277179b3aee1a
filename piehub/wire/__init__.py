"""RFC 6455 as pure functions and one state machine: bytes in, values out."""
