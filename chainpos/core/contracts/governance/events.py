"""What governance tells: nothing yet, as nothing of it changes after genesis."""
