"""Values that a search found: laid over a model's settings, recorded, refused where they aren't its own."""

import pytest

from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import write_sealed_text
from inverse_shading.training.found_values import with_found_values

SPACE = {
    "head.channels": {"low": 2, "high": 8, "kind": "integer"},
    "training.learning_rate": {"low": 0.001, "high": 0.1, "scale": "log"},
    "training.schedule": {"choices": ["cosine", "constant"]},
}
TUNING = {
    "model": "base",
    "place": ["studies", "bins", "models", "base"],
    "space": SPACE,
    "trials": 8,
    "images": 3000,
}
SETTINGS = {"head": {"type": "conv"}, "training": {"max_epochs": 3}, "tuning": TUNING}
FOUND = "{head: {channels: 4}, training: {learning_rate: 0.02, schedule: cosine, weight_decay: 5}}"


def write(folder, found=FOUND):
    path = folder / "best.yaml"
    write_sealed_text(path, f"# A remark.\nstudies: {{bins: {{models: {{base: {found}}}}}}}\n")
    return path


def test_values_come_into_their_places_and_are_told(tmp_path):
    found = with_found_values(SETTINGS, write(tmp_path))
    assert found == {
        "head": {"type": "conv", "channels": 4},
        # What isn't in the space stays out.
        "training": {"max_epochs": 3, "learning_rate": 0.02, "schedule": "cosine"},
        "tuning": {
            "model": "base",
            "trials": 8,
            "images": 3000,
            "values": {
                "head.channels": 4,
                "training.learning_rate": 0.02,
                "training.schedule": "cosine",
            },
        },
    }
    assert "channels" not in SETTINGS["head"]


def test_a_model_that_is_not_tuned_says_so():
    assert with_found_values({"head": {}}, None) == {"head": {}, "tuning": None}


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ("{head: {channels: 4}}", r"found nothing at studies.bins.models.base.training.learning_rate"),
        (FOUND.replace("0.02", "0.2"), "found 0.2 at .*expected a value of search.spaces.base.training"),
        (FOUND.replace("0.02", "fast"), "found 'fast' at"),
        (FOUND.replace("4", "4.5"), "found 4.5 at"),
        (FOUND.replace("cosine", "one_cycle"), "found 'one_cycle' at"),
        ("3", "found nothing at"),
        ("{", r"can't be read as the values that a search found"),
    ],
)  # fmt: skip
def test_what_no_search_of_the_space_finds_is_refused(tmp_path, found, message):
    with pytest.raises(InputError, match=rf"best\.yaml.*{message}"):
        with_found_values(SETTINGS, write(tmp_path, found))


def test_an_edited_file_is_refused(tmp_path):
    path = write(tmp_path)
    path.write_text(path.read_text().replace("0.02", "0.03"))
    with pytest.raises(InputError, match=r"best\.yaml.*checksum"):
        with_found_values(SETTINGS, path)
