"""Benchmarks, each beside its peer in the same run: `./milepost bench` lists and runs them."""
