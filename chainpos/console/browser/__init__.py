"""The console in a browser: off unless asked for, behind a login, for looking alone."""
