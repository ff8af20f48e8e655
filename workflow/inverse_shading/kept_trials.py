"""The finished trials of a search, kept in a file, so that one that was killed goes on from there."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from .errors import InputError
from .files import check_seal, write_sealed_text
from .jobs import logger
from .trials_table import Trial


class KeptTrials:
    """The file of one search.

    Args:
        path: the file. It is written whole or not at all, with its checksum beside it.
        identity: all that a trial depends on, as JSON can hold it. Trials of another identity are not
            gone on from.
    """

    def __init__(self, path: str | Path, identity: Mapping):
        self._path = Path(path)
        self._identity = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()

    def save(self, trials: Sequence[Trial]) -> None:
        """Write all finished trials in place of those before.

        Raises:
            InputError: the file can't be written.
        """
        content = {
            "identity": self._identity,
            "trials": [dataclasses.asdict(trial) for trial in trials],
        }
        write_sealed_text(self._path, json.dumps(content) + "\n")

    def load(self) -> list[Trial]:
        """The trials last saved; none if there are none that can be gone on from."""
        if not self._path.exists():
            return []
        try:
            check_seal(self._path)
            content = json.loads(self._path.read_text(encoding="utf-8"))
            if content["identity"] != self._identity:
                logger.info("starting anew: %s is of another configuration or data", self._path)
                return []
            trials = [Trial(**trial) for trial in content["trials"]]
        except (InputError, OSError, ValueError, KeyError, TypeError) as error:
            # Nothing but time is lost with it.
            logger.warning("starting anew: %s", error)
            return []
        logger.info("going on after %d trials that are finished", len(trials))
        return trials
