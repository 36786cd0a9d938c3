"""Refuse the network: this Python, started with this folder on PYTHONPATH, reaches its own machine and no other.

Python imports this file by itself as it starts. What it hooks in cannot be taken out again.
"""

import ipaddress
import sys


def is_here(host):
    """Tell whether a host is this machine; None and "" stand for all of its own addresses."""
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    try:
        return ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host).is_loopback
    except ValueError:  # a name
        return False


def refuse(event, arguments):
    """Raise where a socket would leave this machine, or a name would be looked up."""
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        if isinstance(address, tuple) and not is_here(address[0]):  # others are Unix sockets
            raise PermissionError(f"no network here: {address[0]}")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname") and not is_here(arguments[0]):
        raise PermissionError(f"no network here: {arguments[0]}")


sys.addaudithook(refuse)
