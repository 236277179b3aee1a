"""RFC 6455 and RFC 7692 as pure functions and one state machine: bytes in, values out."""
