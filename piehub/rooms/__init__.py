"""The rules of rooms. No socket, no clock, no timer of their own: all are handed in."""
