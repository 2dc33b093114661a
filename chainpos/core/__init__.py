"""The pure heart: same inputs, same bytes, on every machine. It refuses I/O, clocks, randomness and floats."""
