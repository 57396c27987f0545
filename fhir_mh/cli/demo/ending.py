"""What ends the demo: Ctrl-C, being told to stop, its terminal being closed. Its gateways end with it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_TOLD = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def as_by_ctrl_c() -> Iterator[None]:
    """Inside, being told to stop raises KeyboardInterrupt: by itself it would end this process and no other.

    Each gateway is in a session of its own, so that Ctrl-C comes to the demo alone; so does everything else.
    """
    heard = [number for number in _TOLD if signal.getsignal(number) is not signal.SIG_IGN]  # nohup means it
    held = {number: signal.signal(number, signal.default_int_handler) for number in heard}
    try:
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)


@contextmanager
def undisturbed() -> Iterator[None]:
    """What is done inside is done whole; what came meanwhile to end the demo counts afterwards.

    A process that is being started is known to nobody yet, and of several that are being ended none may be left.
    """
    if threading.current_thread() is not threading.main_thread():  # signals disturb that one alone
        yield
        return
    came: list[int] = []
    held = {number: signal.signal(number, lambda what, _: came.append(what)) for number in (signal.SIGINT, *_TOLD)}
    try:
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
        for what in came[:1]:
            signal.raise_signal(what)
