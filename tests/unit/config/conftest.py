"""The shipped configuration, for tests that change it."""

from pathlib import Path

import pytest
import yaml


@pytest.fixture
def config() -> dict:
    return yaml.safe_load((Path(__file__).parents[3] / "config.yaml").read_text())
