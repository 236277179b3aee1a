"""All waiting of the tests, in one unit that a slow machine can stretch (TESTS_MS=3)."""

import os

MS = float(os.environ.get("TESTS_MS", "1")) / 1000  # seconds that a millisecond of the tests lasts
PATIENCE = 5000 * MS  # for what must happen
A_WHILE = 150 * MS  # for what must not
