"""Run a command of this checkout with everything it needs: `python3 backend/run.py chat-history serve`.

Makes `.venv` beside this folder and installs the hash-locked requirements into it, once for each
state of the lock, then becomes the command. Needs Python 3.11 and pip, nothing else: where there is no
npm, which brings what the pages are made of, that comes from pip too.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv"
PROGRAMS = HOME / ("Scripts" if os.name == "nt" else "bin")
REQUIREMENTS = ROOT / "backend" / "requirements"
PACKAGES = ROOT / "backend" / "app" / "web" / "static" / "vendor" / "built"
"""The file that the build hook writes once it has installed the packages of the web pages."""


def install(lock: Path) -> None:
    """Installs the locked requirements into `.venv`, unless that has been done for this state of the lock."""
    sources = [lock, ROOT / "pyproject.toml", ROOT / "backend" / "build_hook.py"]
    sources += sorted((ROOT / "backend" / "npm").glob("*.json"))
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    stamp = HOME / f"{lock.stem}.installed"
    if PACKAGES.exists() and stamp.exists() and stamp.read_text() == digest:
        return
    print(f"Installing {lock.relative_to(ROOT)} into {HOME} ...", file=sys.stderr, flush=True)
    # Without its own pip: a bare Debian has pip, but not what venv needs to copy it.
    venv.create(HOME, with_pip=False, symlinks=os.name != "nt")
    pip = [sys.executable, "-m", "pip", "--python", str(HOME), "install", "--quiet"]
    pip += ["--disable-pip-version-check", "--no-input"]
    subprocess.run([*pip, "--require-hashes", "-r", str(lock)], check=True)
    if shutil.which("npm") is None:
        subprocess.run([*pip, "--require-hashes", "-r", str(REQUIREMENTS / "node.txt")], check=False)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "-e", str(ROOT)], check=True)
    stamp.write_text(digest)
    if not PACKAGES.exists():
        print("The API works, the pages do not: npm could not bring what they are made of.", file=sys.stderr)
        print(
            "The next start tries again; `.venv/bin/python backend/build_hook.py` says why.", file=sys.stderr
        )


def main(command: list[str]) -> int:
    """Installs what `command` needs and runs it; returns its exit code."""
    if not command:
        print(__doc__, file=sys.stderr)
        return 2
    serves = command[0] == "chat-history"
    try:
        install(REQUIREMENTS / ("serve.txt" if serves else "development.txt"))
    except subprocess.CalledProcessError as failure:
        print(f"pip could not install the requirements (exit {failure.returncode}).", file=sys.stderr)
        return 1
    os.environ["PATH"] = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    if os.name == "nt":
        return subprocess.run([PROGRAMS / command[0], *command[1:]], check=False).returncode
    # Replaces this process, so that signals reach the command itself.
    return os.execvp(PROGRAMS / command[0], command)  # noqa: S606  # the user chose the command


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
