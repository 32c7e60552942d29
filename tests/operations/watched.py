"""Runs a module, and writes down every host that it asks for, connects to or sends something, and programs.

    python -m operations.watched FILE MODULE WORDS...

uvloop and libpq ask the kernel themselves, and Python is told nothing of it: without uvloop the event loop is
asyncio's, and libpq is listened to where it gets its addresses.
"""

import json
import os
import runpy
import sys
from typing import Any

import psycopg2
from psycopg2.extensions import parse_dsn

ASKS = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
REACHES = ("socket.connect", "socket.sendto", "socket.sendmsg")
RUNS = ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "os.fork")


def main(file: str, module: str, *words: str) -> None:
    """Does not return before the module ends."""
    written = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def note(event: str, *about: object) -> None:
        os.write(written, json.dumps([event, *map(str, about)]).encode() + b"\n")

    def listen(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ASKS:
            note(event, *arguments[:2])
        elif event in REACHES:
            address = arguments[1]
            note(event, *(address[:2] if isinstance(address, tuple) else [address]))
        elif event in RUNS:
            note(event, arguments[0] if arguments else "")

    connect = vars(psycopg2)["_connect"]

    def connecting(dsn: str, *arguments: Any, **options: Any) -> Any:
        given = parse_dsn(dsn)
        note("libpq", given.get("hostaddr") or given.get("host"), given.get("port"))
        return connect(dsn, *arguments, **options)

    vars(psycopg2).update(_connect=connecting)
    sys.modules["uvloop"] = None  # type: ignore[assignment]
    sys.addaudithook(listen)
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
