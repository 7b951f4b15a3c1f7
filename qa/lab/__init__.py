"""Virtual servers for scenarios, demo and benchmarks."""
