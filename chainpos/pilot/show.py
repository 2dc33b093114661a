"""The pilot with its screen: the network runs in processes of its own while the console has the terminal.

Whatever way the console ends, the processes end with it; a named folder can be gone on with.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from chainpos.pilot.comet_network import pilot_of
from chainpos.pilot.ending import run_until_signalled
from chainpos.pilot.network import PilotFolder, PilotNetwork
from chainpos.pilot.running import announce, withdraw


def show_demo(folder: Path, merchant: str, *, customers: bool, engine: str = "embedded") -> int:
    """Run the pilot and its console until the console is left; the console's exit code. Raises UserFacingError."""
    paths, network = pilot_of(folder, merchant, engine)
    paths.prepare(merchant)
    return run_until_signalled(_run(paths, network, customers=customers))


async def _run(paths: PilotFolder, network: PilotNetwork, *, customers: bool) -> int:
    try:
        await network.start("--bustle", "--offices", *(["--pay"] if customers else []))
        announce(paths.folder)
        # The console is a process of its own too: it can crash without the network, and the network without it.
        console = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "chainpos", "till", "--home", str(paths.till.folder), env=dict(os.environ)
        )
        try:
            return await console.wait()
        finally:
            if console.returncode is None:
                console.terminate()
                await console.wait()
    finally:
        withdraw()
        await network.stop()
