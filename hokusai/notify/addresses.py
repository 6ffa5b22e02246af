"""Where messages may be sent: the form of an address, and the hosts behind its name."""

import ipaddress
import queue
import re
import socket
import threading
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from hokusai.core.errors import InvalidInput
from hokusai.notify.exceptions import AddressRefused, Unreachable

MAX_URL = 500
_PLAIN = re.compile(r"[!-~]+\Z")
_NAME = re.compile(r"[A-Za-z0-9_.-]+\Z")
_PORTS = {"https": 443, "http": 80}
# Clouds answer for their machines' secrets here, at addresses that are not link-local.
_METADATA = frozenset(map(ipaddress.ip_address, ("168.63.129.16", "fd00:ec2::254")))
# Each carries an IPv4 address that the address itself does not show to be private.
_TRANSLATED = [ipaddress.ip_network(net) for net in ("64:ff9b::/32", "2002::/16", "2001::/32")]

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Target:
    """A receiver's address in parts; `path` with its query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def host_header(self) -> str:
        """The name, with the port where it is not the scheme's own."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == _PORTS[self.scheme] else f"{name}:{self.port}"


def target_of(url: str) -> Target:
    """The parts of a webhook's address, of which nothing is looked up.

    Raises InvalidInput for what is no https address, or names a host that is refused.
    """
    if len(url) > MAX_URL or not _PLAIN.match(url):
        raise InvalidInput(f"An address is at most {MAX_URL} printable ASCII characters.")
    parts, port = _split(url)
    host = parts.hostname or ""
    address = _literal(host)
    if address is None and not _NAME.match(host):
        raise InvalidInput("The address names no host.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise InvalidInput("An address holds no name, password or fragment.")
    _check_scheme(parts.scheme, host, address)
    if address is not None and not is_allowed(address):
        raise InvalidInput("Messages are not sent to this address.", host=host)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or _PORTS[parts.scheme], path)


def host_of(url: str) -> str:
    """The host that a kept address names."""
    return urlsplit(url).hostname or ""


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidInput("This is no address.") from error
    return parts, port


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _check_scheme(scheme: str, host: str, address: Address | None) -> None:
    loopback = host == "localhost" or (address is not None and address.is_loopback)
    if scheme == "https" or (scheme == "http" and loopback and settings.WEBHOOK_ALLOW_PRIVATE):
        return
    raise InvalidInput("An address begins with https://.")


def is_allowed(address: Address) -> bool:
    """Whether messages may go there: public hosts, and private ones where the settings say so.

    Never link-local addresses, where clouds keep the secrets of their machines.
    """
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    address = mapped or address
    if address in _METADATA or any(address in net for net in _TRANSLATED):
        return False
    if address.is_multicast or address.is_unspecified or address.is_link_local:
        return False
    if address.is_global:
        return True
    private = address.is_loopback or (address.is_private and not address.is_reserved)
    return private and settings.WEBHOOK_ALLOW_PRIVATE


def resolve(target: Target, *, timeout_s: float) -> list[str]:
    """The checked addresses of a host, to which one connects without looking it up again.

    Raises AddressRefused where any of them is refused, Unreachable where there is none in time.
    """
    found = _looked_up(target, timeout_s)
    for text in found:
        if not is_allowed(ipaddress.ip_address(text)):
            raise AddressRefused(f"Messages are not sent to {target.host}, which is at {text}.")
    if target.scheme == "http" and not all(ipaddress.ip_address(t).is_loopback for t in found):
        raise AddressRefused("Plain http is for this machine alone; use https.")
    return found


def _looked_up(target: Target, timeout_s: float) -> list[str]:
    # The system's resolver knows no deadline of ours: a thread waits for it, and we for the thread.
    answers: queue.SimpleQueue[list[str] | OSError] = queue.SimpleQueue()
    threading.Thread(target=_ask, args=(target, answers), daemon=True).start()
    try:
        answer = answers.get(timeout=timeout_s)
    except queue.Empty as error:
        raise Unreachable(f"The name {target.host} was not resolved in time.") from error
    if isinstance(answer, OSError):
        raise Unreachable(f"The name {target.host} cannot be resolved.") from answer
    return answer


def _ask(target: Target, answers: "queue.SimpleQueue[list[str] | OSError]") -> None:
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        answers.put(error if isinstance(error, OSError) else OSError(str(error)))
        return
    # A zone, as in fe80::1%eth0, is link-local's alone.
    answers.put([str(entry[4][0]).partition("%")[0] for entry in found])
