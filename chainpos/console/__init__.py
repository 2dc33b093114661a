"""The screens. What Textual reads from the environment is said here, before anything of it is loaded."""

import os

# How long Esc may be the beginning of a longer key, by ncurses' name. Textual waits for 100 ms, twice what a key has.
os.environ.setdefault("ESCDELAY", "25")
