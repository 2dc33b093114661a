"""Says whether a built wheel carries what a user needs beside the code. Usage: check_wheel.py FILE.whl"""

from __future__ import annotations

import sys
import zipfile

NEEDED = (
    "chainpos/_shipped/themes/",
    "chainpos/_shipped/sample_data/merchants.csv",
    "chainpos/cli/main.py",
    "chainpos/console/browser/static/terminal.js",
)


def main() -> int:
    names = zipfile.ZipFile(sys.argv[1]).namelist()
    missing = [needed for needed in NEEDED if not any(name.startswith(needed) for name in names)]
    print("wheel:", f"missing {missing}" if missing else f"{len(names)} files, themes and sample data among them")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
