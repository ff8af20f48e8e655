"""Shards as one data set: order, gathers, and files that are refused."""

import numpy as np
import pytest

from inverse_shading.dataset.labels import read_labels
from inverse_shading.dataset.rows import open_features
from inverse_shading.runtime.artefacts import write_array
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import write_sealed_text
from tests.support.synthetic import SyntheticData


@pytest.fixture
def data(tmp_path):
    return SyntheticData(tmp_path, n_images=60, shard_size=20, channels=3, side=2)


def test_rows_come_in_the_order_asked_for(data):
    shards = open_features(data.features, data.labels, "float32")
    whole = np.concatenate([np.load(path) for path in data.features])
    indices = np.array([59, 0, 20, 19, 20, 41])
    assert shards.shape == (3, 2, 2) and len(shards) == 60
    rows = shards.rows(indices)
    assert rows.dtype == np.float16
    np.testing.assert_array_equal(rows, whole[indices])


def test_labels_hold_every_image_once(data):
    labels = data.labels
    assert [len(labels.indices(name)) for name in ("train", "validation", "test")] == [39, 9, 12]
    together = np.concatenate([labels.indices(name) for name in ("train", "validation", "test")])
    assert sorted(together) == list(range(60))
    assert labels.targets.dtype == np.float32 and labels.targets.shape == (60, 10)


def test_a_split_without_images_is_refused(data):
    for path in data.splits:
        write_sealed_text(path, path.read_text().replace("validation", "train"))
    with pytest.raises(InputError, match=r"no image in the split validation"):
        read_labels(data.parameters, data.splits)


def test_other_ranges_are_refused(data):
    with pytest.raises(InputError, match=r"expected the same ranges in the same order"):
        read_labels(data.parameters, data.splits[::-1])
    with pytest.raises(InputError, match=r"expected the 60 images of the parameters"):
        open_features(data.features[:2], data.labels, "float32")


@pytest.mark.parametrize(
    "array, message",
    [
        (np.zeros((20, 3, 2, 2), np.float32), r"found float32 .*, expected float16"),
        (np.zeros((20, 4, 2, 2), np.float16), r"found float16 of shape \(4, 2, 2\)"),
    ],
)
def test_features_of_another_form_than_the_first_are_refused(data, array, message):
    write_array(data.features[2], array)
    with pytest.raises(InputError, match=message):
        open_features(data.features, data.labels, "float32")


def test_learning_from_the_first_images_leaves_the_test_images(data):
    fewer = data.labels.learning_from(30)
    for split in ("train", "validation"):
        all_rows = data.labels.indices(split)
        np.testing.assert_array_equal(fewer.indices(split), all_rows[all_rows < 30])
    np.testing.assert_array_equal(fewer.indices("test"), data.labels.indices("test"))
    assert data.labels.learning_from(None) is data.labels
    with pytest.raises(InputError, match="images: found 1, expected enough for the split"):
        data.labels.learning_from(1)


def test_labels_without_a_split_know_nothing_of_it(data):
    labels = data.labels.without("test")
    rows = data.labels.indices("test")
    assert len(labels.indices("test")) == 0 and np.isnan(labels.targets[rows]).all()
    for split in ("train", "validation"):
        kept = labels.indices(split)
        np.testing.assert_array_equal(kept, data.labels.indices(split))
        np.testing.assert_array_equal(labels.targets[kept], data.labels.targets[kept])
    # The images are those they were, and the labels that they came from whole.
    assert len(open_features(data.features, labels, "float32")) == 60
    assert np.isfinite(data.labels.targets).all()
