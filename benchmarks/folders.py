"""Where things are, and where they go."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
LOAD = ROOT / "benchmarks" / "load"
PEERS = ROOT / "benchmarks" / "peers"
DOCS = ROOT / "docs"
BUILD = ROOT / "build" / "benchmarks"
