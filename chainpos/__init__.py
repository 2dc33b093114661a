"""chainpos: the counter and the control room of a permissioned payment network, in one terminal."""

__version__ = "0.1.0"
