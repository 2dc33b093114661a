"""Pictures of every screen, made anew by `python -m tests.pictures`."""
