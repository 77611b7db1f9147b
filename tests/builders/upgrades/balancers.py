"""Load balancers of the system in front of servers, with the configuration that the guide shows."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.builders.processes import eventually, started
from tests.builders.server import AUTHORITY

GUIDE = Path(__file__).parents[3] / "docs" / "how-to" / "run-several-servers.md"
_PATH = "/usr/sbin:/usr/local/sbin:/usr/bin"
HAPROXY, NGINX = shutil.which("haproxy", path=_PATH), shutil.which("nginx", path=_PATH)
FRONT, DESKS = "192.0.2.10:8080", ("192.0.2.11:8080", "192.0.2.12:8080")
"""The addresses that the guide names: of the load balancer, and of the servers."""


def configuration(language: str, ports: Mapping[str, int]) -> str:
    """Return the configuration of the guide, with ports of this machine in the place of its addresses."""
    [block] = re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    for address, port in ports.items():
        block = block.replace(address, f"{AUTHORITY}:{port}")
    return str(block)


@contextmanager
def haproxy(folder: Path, ports: Mapping[str, int]) -> Iterator[None]:
    """Run HAProxy until the block ends; ``ports`` are those of the guide's addresses."""
    assert HAPROXY is not None
    file = folder / "haproxy.cfg"
    file.write_text(configuration("haproxy", ports))
    with started([HAPROXY, "-db", "-f", file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder):
        assert eventually(lambda: f":{ports[FRONT]:04X}" in listening())
        yield


NGINX_MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {site}
}}
"""
"""What Debian's nginx.conf has around a site, with paths of a test."""


@contextmanager
def nginx(folder: Path, ports: Mapping[str, int]) -> Iterator[None]:
    """Run nginx until the block ends; ``ports`` are those of the guide's addresses."""
    assert NGINX is not None
    file = folder / "nginx.conf"
    file.write_text(NGINX_MAIN.format(folder=folder, site=configuration("nginx", ports)))
    with started([NGINX, "-c", file, "-e", folder / "nginx.log"], stdout=subprocess.DEVNULL, cwd=folder):
        assert eventually(lambda: f":{ports[FRONT]:04X}" in listening())
        yield


def listening() -> str:
    """Return the sockets of this machine that listen, as the kernel shows them, one a line."""
    lines = Path("/proc/net/tcp").read_text().splitlines()
    return "\n".join(line.split()[1] for line in lines[1:] if line.split()[3] == "0A")
