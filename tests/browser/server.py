"""A JupyterLab of its own for the tests: on loopback, on a free port, with nobody's settings."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

from notebooks.execute import EXERCISES

LOOPBACK = "127.0.0.1"
LAST = 600  # seconds: nothing takes so long. On an idle machine it starts in 3.
SETTINGS = Path(__file__).parents[2] / "notebooks" / "jupyterlab"
QUIET = (  # as `make lab` has it: nothing is asked of the outside, nor of the learner
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
    f"--LabApp.app_settings_dir={SETTINGS}",
)


@dataclass(frozen=True)
class Server:
    """folder: what it serves, and where the tests put their notebooks."""

    folder: Path
    address: str  # without a slash at the end
    token: str

    def page(self, notebook: str) -> str:
        """The address of a notebook in a workspace where nothing else is open."""
        return f"{self.address}/lab/tree/{notebook}?reset&token={self.token}"

    def ask(self, path: str, method: str = "GET") -> bytes:
        """Raises `urllib.error.URLError` if it does not answer, or answers with an error."""
        headers = {"Authorization": f"token {self.token}"}
        request = Request(f"{self.address}/{path}", headers=headers, method=method)
        with urlopen(request, timeout=LAST) as answer:
            return bytes(answer.read())

    def stop_kernels(self) -> None:
        for session in json.loads(self.ask("api/sessions")):
            self.ask(f"api/sessions/{session['id']}", method="DELETE")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


@contextmanager
def jupyterlab(home: Path, flags: Iterable[str] = QUIET) -> Iterator[Server]:
    """Serve `home`/served; what it writes for itself, its log among it, is in `home` too.

    Raises `RuntimeError` with the log if it does not start.
    """
    folder = home / "served"
    folder.mkdir(parents=True)
    shutil.copytree(EXERCISES, folder / EXERCISES.name)  # beside the notebooks, as in an edition
    server = Server(folder, f"http://{LOOPBACK}:{free_port()}", secrets.token_hex())
    port = server.address.rpartition(":")[2]
    own = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", *flags]
    command += [f"--ServerApp.ip={LOOPBACK}", f"--ServerApp.port={port}"]
    command += ["--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}"]
    environment = os.environ | {name: str(home / each) for name, each in own.items()}
    environment["JUPYTER_TOKEN"] = server.token  # not in the command, where all can read it
    log = home / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            wait_for(server, process, log)
            yield server
        finally:
            process.terminate()
            try:
                process.wait(timeout=LAST)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_for(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    patience = time.monotonic() + LAST
    while time.monotonic() < patience and process.poll() is None:
        try:
            server.ask("api/status")
        except URLError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(f"JupyterLab did not start. It said:\n{log.read_text()}")
