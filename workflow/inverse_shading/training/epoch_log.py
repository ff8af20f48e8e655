"""What the log says of a training: a line an epoch, and more where epochs are long."""

import time

from tqdm import tqdm

from inverse_shading.runtime.jobs import SECONDS_BETWEEN_REPORTS, logger


class EpochLog:
    """A line an epoch, and lines within epochs that last longer than the time between reports.

    Args:
        epochs: at most so many are trained.
        steps: of each epoch.
        before: epochs that were done before this process began.
    """

    def __init__(self, epochs: int, steps: int, before: float):
        self._epochs, self._steps, self._before = epochs, steps, before
        self._start = self._last = time.monotonic()
        self._first = True

    def step(self, epoch: int, step: int) -> None:
        """After a step of an epoch, both counted from 1."""
        now = time.monotonic()
        if now - self._last >= SECONDS_BETWEEN_REPORTS and step < self._steps:
            logger.info(
                "epoch %d/%d, batch %d/%d, at most %s left",
                epoch,
                self._epochs,
                step,
                self._steps,
                self._left(now, (epoch - 1) + step / self._steps),
            )
            self._last = now

    def epoch(self, row: dict, last: bool) -> None:
        """After an epoch, with its row of the history."""
        now = time.monotonic()
        # Epochs on pooled features last milliseconds; hundreds of lines a second would be no help.
        if last or self._first or now - self._last >= 1:
            logger.info(
                "epoch %d/%d: train loss %.5f, validation loss %.5f, validation MSE %.5f, "
                "at most %s left",
                row["epoch"],
                self._epochs,
                row["train_loss"],
                row["validation_loss"],
                row["validation_mse"],
                "0:00" if last else self._left(now, row["epoch"]),
            )
            self._last = now
            self._first = False

    def _left(self, now: float, done: float) -> str:
        if done <= self._before:
            # Resumed at an epoch's last batch: nothing is timed yet.
            return "?"
        pace = (now - self._start) / (done - self._before)
        return tqdm.format_interval(pace * (self._epochs - done))
