"""The port of the server refuses connections until it is open, and loses none when it is closed."""

import socket

import pytest

from clearline.cli.exit_status import UNAVAILABLE
from clearline.cli.server import http_port
from clearline.settings.values import Bind
from tests.builders.processes import free_port
from tests.patience import patient, stretched


@pytest.fixture
def address() -> Bind:
    return Bind(f"127.0.0.1:{free_port()}")


def connect(address: Bind, seconds: float) -> socket.socket:
    return socket.create_connection((address.host, address.port), timeout=seconds)


def test_a_port_refuses_connections_until_it_is_open(address: Bind) -> None:
    with http_port.bound(address) as port:
        with pytest.raises(ConnectionRefusedError):
            connect(address, patient(5))
        http_port.open_port(port, address)
        connect(address, patient(5)).close()


def test_connections_that_arrived_are_accepted_when_a_port_takes_no_more(address: Bind) -> None:
    with http_port.bound(address) as port:
        http_port.open_port(port, address)
        with connect(address, patient(5)) as early:
            http_port.take_no_more([port])
            with pytest.raises(TimeoutError):
                connect(address, stretched(0.3))
            accepted, _ = port.accept()
            with accepted:
                early.sendall(b"GET / HTTP/1.1\r\n")
                assert accepted.recv(100) == b"GET / HTTP/1.1\r\n"
    with pytest.raises(ConnectionRefusedError):
        connect(address, patient(5))


def test_the_second_of_two_servers_at_one_port_says_so(address: Bind, capsys: pytest.CaptureFixture[str]) -> None:
    with http_port.bound(address) as first, http_port.bound(address) as second:
        http_port.open_port(first, address)
        with pytest.raises(SystemExit) as ended:
            http_port.open_port(second, address)
    assert ended.value.code == UNAVAILABLE
    assert capsys.readouterr().err == (
        f"error: cannot listen on {address}: Address already in use; set CLEARLINE_BIND to another address\n"
    )


def test_an_address_of_ip_version_6_is_bound_alone() -> None:
    address = Bind(f"[::1]:{free_port()}")
    with http_port.bound(address) as port:
        assert port.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1
