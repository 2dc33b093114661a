"""The command line: one file per group of commands. It holds no rule; it asks the rooms below and prints."""
