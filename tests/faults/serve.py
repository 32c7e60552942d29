"""Serves the application of the environment with the assistant of these tests.

`python -m faults.serve FOLDER` does so in each process that `faults.forks` asks it for.
"""

import signal
import socket
import sys
from pathlib import Path

from app import logs
from app.main import create_app
from app.server import Server
from app.settings import read_settings
from faults.script import Speaker
from faults.template import fork


def main(folder: Path) -> None:
    """Says when it listens, and serves until it is told to stop."""
    settings = read_settings()
    # uvicorn raises the signal again when it has ended: as in `chat-history serve`, that is an orderly end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    logs.configure(settings.log_level)
    with socket.create_server((settings.host, settings.port), backlog=1_024) as listener:
        server = Server(create_app(settings, Speaker(folder)))
        print("listening", flush=True)
        server.run(sockets=[listener])


if __name__ == "__main__":
    fork()
    main(Path(sys.argv[1]))
