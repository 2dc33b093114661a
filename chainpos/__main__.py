"""`python -m chainpos`: the same as the `chainpos` command."""

from chainpos.cli.main import main

main()
