"""Sockets, greenlets, threads and timers live here, and nowhere else."""
