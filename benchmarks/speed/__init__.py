"""What benchmarks/train.py measures, a module a measurement."""
