import socket
import threading
from ipaddress import ip_address
from typing import Any

import pytest
from pytest_django import Settings

from hokusai.core.errors import InvalidInput
from hokusai.notify.addresses import is_allowed, resolve, target_of
from hokusai.notify.exceptions import AddressRefused, Unreachable


@pytest.fixture(autouse=True)
def as_in_production(settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = False


def found_at(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Let every name be found at these addresses."""

    def look_up(host: str, port: int, **kwargs: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, port)) for text in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def test_an_address_is_taken_apart() -> None:
    target = target_of("https://hooks.example.org:8443/a/b?c=d")
    assert (target.host, target.port, target.path) == ("hooks.example.org", 8443, "/a/b?c=d")
    assert target.host_header == "hooks.example.org:8443"
    assert target_of("https://hooks.example.org").host_header == "hooks.example.org"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.org",
        "http://hooks.example.org/",
        "http://127.0.0.1/",
        "ftp://hooks.example.org/",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://name:word@hooks.example.org/",
        "https://hooks.example.org/#part",
        "https://hooks.example.org:99999/",
        "https://hooks.example.org:x/",
        "https://hooks.example.org/\r\nX-Other: 1",
        "https://hooks.example.org/a b",
        "https://höoks.example.org/",
        "https://hooks.example.org/" + "a" * 500,
        "https://[::1/",
        "https://127.0.0.1/",
        "https://10.0.0.8/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fe80::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://0.0.0.0/",
    ],
)
def test_what_is_no_public_https_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        target_of(url)


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "168.63.129.16",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "2001:0:a00:1::",
    ],
)
def test_no_message_goes_to_this_machine_its_network_or_its_cloud(text: str) -> None:
    assert not is_allowed(ip_address(text))


@pytest.mark.parametrize("text", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_public_hosts_may_be_told(text: str) -> None:
    assert is_allowed(ip_address(text))


def test_the_setting_opens_this_machine_and_its_network_but_never_the_cloud_s_secrets(
    settings: Settings,
) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = True
    assert target_of("http://localhost:9000/").port == 9000
    assert is_allowed(ip_address("127.0.0.1"))
    assert is_allowed(ip_address("10.0.0.1"))
    for text in ("169.254.169.254", "fe80::1", "fd00:ec2::254", "0.0.0.0", "::ffff:169.254.1.1"):
        assert not is_allowed(ip_address(text))


@pytest.mark.parametrize("hidden", ["10.0.0.1", "169.254.169.254"])
def test_a_name_is_refused_where_one_of_its_addresses_is(
    monkeypatch: pytest.MonkeyPatch, hidden: str
) -> None:
    found_at(monkeypatch, "93.184.215.14", hidden)
    with pytest.raises(AddressRefused, match=hidden):
        resolve(target_of("https://innocent.example.org/"), timeout_s=1)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "017700000001", "127.1"])
def test_other_spellings_of_an_address_are_checked_as_what_they_mean(host: str) -> None:
    with pytest.raises(AddressRefused):
        resolve(target_of(f"https://{host}/"), timeout_s=5)


def test_plain_http_never_leaves_this_machine(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = True
    found_at(monkeypatch, "10.0.0.1")
    with pytest.raises(AddressRefused, match="https"):
        resolve(target_of("http://localhost/"), timeout_s=1)


def test_a_name_that_nobody_knows_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: Any, **kwargs: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unreachable):
        resolve(target_of("https://nobody.example.org/"), timeout_s=1)


def test_a_resolver_that_does_not_answer_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over = threading.Event()

    def silent(*args: Any, **kwargs: Any) -> Any:
        over.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "too late")

    monkeypatch.setattr(socket, "getaddrinfo", silent)
    with pytest.raises(Unreachable, match="in time"):
        resolve(target_of("https://slow.example.org/"), timeout_s=0.05)
    over.set()
