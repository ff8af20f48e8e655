"""What the tests of training share."""

import pytest

from tests.support.synthetic import SyntheticData


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """80 images; who changes a file makes a data set of its own."""
    return SyntheticData(tmp_path_factory.mktemp("data"))
