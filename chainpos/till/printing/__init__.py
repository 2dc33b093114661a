"""Paper: what a printer is sent, how it is sent, and what waits for it; the same as pictures."""
