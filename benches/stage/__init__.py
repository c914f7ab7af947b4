"""What benchmarks stand on: servers, processes, peers, load, tables. Measures nothing itself."""
