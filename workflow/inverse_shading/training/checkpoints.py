"""Checkpoints: the state of a training in a file, from which one that was killed is resumed."""

import hashlib
import io
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

from inverse_shading.dataset.data_files import DataFiles
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import check_seal, read_seal, seal_path, sealed_path
from inverse_shading.runtime.interruption import Stopped
from inverse_shading.runtime.jobs import logger


@dataclass(frozen=True)
class Resumption:
    """How a training that was killed is resumed.

    Attributes:
        path: the checkpoint file.
        seconds: from one checkpoint to the next.
        code: digests of the code that trains; a checkpoint of other code is not resumed.
    """

    path: str | Path
    seconds: float
    code: Mapping[str, str]

    def open(self, identity: Mapping) -> "Checkpoint":
        """The checkpoint of the training of this identity."""
        return Checkpoint(self.path, identity, self.seconds)

    def identity(
        self,
        config: Mapping,
        data: DataFiles,
        trunk: str | Path | None,
        device: torch.device,
        threads: int,
    ) -> dict:
        """All that the result of a training depends on, as JSON can hold it.

        Args:
            config, data, trunk: as for `train_model.train_model`.
            device, threads: where it trains.
        """
        return {
            "config": config,
            "code": dict(self.code),
            "inputs": [read_seal(path) for path in data.paths],
            "trunk": read_seal(trunk) if trunk else None,
            "device": device.type,
            "threads": threads,
        }


class Checkpoint:
    """The checkpoint file of one training.

    Args:
        path: the file. It is written whole or not at all, with its checksum beside it.
        identity: all that the result depends on, as JSON can hold it. A checkpoint of another
            identity is not resumed.
        interval: seconds from one checkpoint to the next.
    """

    def __init__(self, path: str | Path, identity: Mapping, interval: float):
        self.path = Path(path)
        self._identity = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
        self._interval = interval
        self._last = time.monotonic()

    def is_due(self) -> bool:
        """Whether the last one is `interval` seconds old."""
        return time.monotonic() - self._last >= self._interval

    def save(self, state: dict) -> None:
        """Write a checkpoint in place of the one before.

        Args:
            state: tensors, numbers, text, and lists and dicts of them.

        Raises:
            InputError: the file can't be written.
        """
        # Through memory: PyTorch's own writing reports a full disk as an internal error.
        buffer = io.BytesIO()
        torch.save({"identity": self._identity, "state": state}, buffer)
        self._last = time.monotonic()
        with sealed_path(self.path) as temporary:
            temporary.write_bytes(buffer.getbuffer())

    def load(self) -> dict | None:
        """The state last saved, whose contents are for the caller to check; None if there is none."""
        if not self.path.exists():
            return None
        try:
            check_seal(self.path)
            # weights_only: a pickle could otherwise run code of its maker's.
            content = torch.load(self.path, map_location="cpu", weights_only=True)
            identity, state = content["identity"], content["state"]
            if not isinstance(state, dict):
                raise TypeError(f"found {type(state).__name__}, expected a dict")
        except InputError as error:
            # Nothing but time is lost with it.
            logger.warning("starting anew: %s", error)
            return None
        except Exception as error:  # A pickle that isn't one can raise anything.
            reason = [type(error).__name__, *str(error).splitlines()[:1]]
            logger.warning(
                "starting anew: %s can't be read as a checkpoint (%s)",
                self.path,
                ": ".join(reason),
            )
            return None
        if identity != self._identity:
            logger.info("starting anew: %s is of another configuration or data", self.path)
            return None
        return state

    def remove(self) -> None:
        """Remove the file: the training is over, or has to begin again."""
        self.path.unlink(missing_ok=True)
        seal_path(self.path).unlink(missing_ok=True)


def keep(
    checkpoint: Checkpoint | None,
    state: Callable[[], dict],
    raise_if_stopped: Callable[[], None],
) -> None:
    """Write a checkpoint, if there is one, where it is time to, or the last chance.

    Args:
        state: what to write, see `Checkpoint.save`.
        raise_if_stopped: see `interruption.noting_stops`.

    Raises:
        Stopped: the process was asked to stop.
    """
    try:
        raise_if_stopped()
    except Stopped:
        if checkpoint:
            checkpoint.save(state())
            logger.info("wrote a checkpoint; the same command goes on from here")
        raise
    if checkpoint and checkpoint.is_due():
        try:
            checkpoint.save(state())
        except InputError as error:
            # The training itself needs no space yet; there may be some when it does.
            logger.warning("training on without a new checkpoint: %s", error)
