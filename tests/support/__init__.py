"""What tests and benchmarks share: transcripts, the original program, odd archives, comparison."""
