"""Benchmarks: piehub, the original, and others, driven by the same load in the same run."""
