"""Being asked to stop: SIGTERM, which schedulers send before a time limit, and Ctrl-C."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopped(BaseException):
    """The process was asked to stop. No Exception, so that nobody takes it for a failure.

    Attributes:
        signal: what asked.
    """

    def __init__(self, number: int):
        self.signal = signal.Signals(number)
        super().__init__(f"stopped by {self.signal.name}")


@contextmanager
def stoppable() -> Iterator[None]:
    """Raise `Stopped` in the block when a signal arrives, so that it is left in good order."""

    def stop(number, frame):
        raise Stopped(number)

    with _handling(stop):
        yield


class _Note:
    """A handler that only remembers what arrived."""

    def __init__(self):
        self.arrived: list[int] = []

    def __call__(self, number, frame):
        self.arrived.append(number)


@contextmanager
def noting_stops() -> Iterator[Callable[[], None]]:
    """Hold signals back until the block asks for them.

    Yields:
        A function for safe points of the block: it raises `Stopped` if a signal has arrived. One
        that arrives after the last safe point is forgotten: the block was as good as done. A block
        within another shares its signals, so that the outer one can still ask.
    """
    around = signal.getsignal(signal.SIGTERM)
    note = around if isinstance(around, _Note) else _Note()

    def raise_if_stopped() -> None:
        if note.arrived:
            raise Stopped(note.arrived[0])

    with _handling(note):
        yield raise_if_stopped


@contextmanager
def _handling(handler: Callable) -> Iterator[None]:
    # Python delivers signals to the main thread alone, and lets no other change handlers.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.signal(number, handler) for number in SIGNALS}
    try:
        yield
    finally:
        for number, former in previous.items():
            signal.signal(number, former)
