"""Which connections have died, by the kernel's word: it knows before the event loop does."""

from __future__ import annotations

import select
import socket
from typing import Generic, Protocol, TypeVar

_GONE = select.EPOLLHUP | select.EPOLLERR | select.EPOLLRDHUP


class Watched(Protocol):
    """A connection; over TLS an idle one may rightly hold unread session tickets."""

    secure: bool


W = TypeVar("W", bound=Watched)


class Watch(Generic[W]):
    """Ask after all connections of a pool at once, which costs one system call however many they are."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._watched: dict[int, W] = {}

    def add(self, connection: W, sock: socket.socket) -> None:
        """Watch a connection; its end in the kernel ends the watch."""
        number = sock.fileno()
        self._watched[number] = connection
        self._epoll.register(number, _GONE if connection.secure else _GONE | select.EPOLLIN)

    def stirred(self) -> list[W]:
        """Return connections that are dead, or that hold bytes nobody has read: an idle one has none to come."""
        return [self._watched[number] for number, _ in self._epoll.poll(0) if number in self._watched]

    def close(self) -> None:
        self._epoll.close()
