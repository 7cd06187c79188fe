"""The command ``multivector explore``."""

from __future__ import annotations

import socket
from typing import Any, Final

from sim.errors import InputError
from sim.explorer.stage import Request

HOST: Final = "127.0.0.1"
"""Only this machine can open the page."""
EXTRA: Final = 'pip install ".[explore]"'


def explore(request: Request, port: int = 0, browser: bool = True) -> None:
    """Serve the page until it is interrupted.

    Parameters
    ----------
    request : what it shows first.
    port : of the address; 0 for any that is free.
    browser : whether to open it.

    Raises
    ------
    InputError
        The request does not make a world, Shiny is not installed, or the port is taken.
    """
    try:
        import shiny
    except ImportError:
        raise InputError(f"explore: needs Shiny for Python: {EXTRA}") from None
    from sim.explorer.server import make_app

    app = make_app(request)
    free = _free(port)
    print(f"http://{HOST}:{free}  (Ctrl-C ends it)", flush=True)
    serve: Any = shiny.run_app
    serve(app, HOST, free, launch_browser=browser, log_level="warning", dev_mode=False)


def _free(port: int) -> int:
    """The port, or one that is free; a taken one is refused."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise InputError(f"--port: cannot use {port}: {reason}") from None
        return int(probe.getsockname()[1])
