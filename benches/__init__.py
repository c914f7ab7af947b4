"""Benchmarks, each beside its peer: `./milepost bench NAME` runs benches/NAME.py as a program."""
