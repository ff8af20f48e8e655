"""model.json: what it says, and that a model is used with the files it was made with or not at all."""

import json
import math
import os

import pytest

from inverse_shading import __version__
from inverse_shading.evaluation.metrics import write_metrics
from inverse_shading.inversion.calibration import Calibration, write_calibration
from inverse_shading.material.parameters import PARAMETERS
from inverse_shading.prediction.model_card import CARD, FORMAT, read_model_card, write_model_card
from inverse_shading.prediction.model_files import locate_files
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.files import seal, seal_path, write_sealed_text
from tests.support.model_cards import CONFIG

CALIBRATION = Calibration(
    {"products": 1.5, "tints": 2.0, "specular": 1.0, "roughness": 3.25, "metalness": 1.0},
    dict.fromkeys(PARAMETERS, 0.75) | {"metalness": 1.25},
    20,
)
METRICS = {
    "model": "tested",
    "chosen_seed": 2,
    "seeds": [
        {"seed": 1, "threads": 3},
        {"seed": 2, "threads": 2},
    ],
}


@pytest.fixture
def model(tmp_path):
    """The folder of a model in a results folder; its files hold their names."""
    folder = tmp_path / "results" / "models" / "tested"
    describe(folder)
    return folder


def describe(folder, metrics=METRICS, **changes):
    results = folder.parents[1]
    paths = {
        "weights": folder / "weights.safetensors",
        "predictions": folder / "predictions.csv",
        "trunk": results / "trunks" / "small.safetensors",
        "stage": results / "stage.safetensors",
    }
    for name, path in paths.items():
        if not path.exists():
            write_sealed_text(path, name)
    write_metrics(folder / "metrics.json", metrics)
    write_calibration(results / "calibration.json", CALIBRATION)
    write_model_card(
        folder / CARD,
        CONFIG | changes,
        metrics=folder / "metrics.json",
        calibration=results / "calibration.json",
        **paths,
    )


def rewrite(path, change):
    """Change a card by hand, checksum and all."""
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    seal(path)


def test_a_card_says_what_it_was_given_and_the_kept_seeds_threads(model):
    card = read_model_card(model)
    assert card.model_dump(include=set(CONFIG)) == CONFIG
    assert (card.threads, card.version) == (2, __version__)
    assert set(card.checksums.model_dump()) == {"weights", "predictions", "trunk", "stage"}
    assert all(len(checksum) == 64 for checksum in card.checksums.model_dump().values())


def test_a_card_holds_the_calibration_itself(model):
    (model.parents[1] / "calibration.json").unlink()
    assert read_model_card(model).calibration.calibration() == CALIBRATION


def test_a_damaged_calibration_is_not_taken_into_a_card(model):
    path = model.parents[1] / "calibration.json"
    path.write_text(path.read_text().replace("1.5", "2.5"))
    with pytest.raises(InputError, match=r"calibration\.json: its contents don't match"):
        write_model_card(
            model / CARD,
            CONFIG,
            metrics=model / "metrics.json",
            calibration=path,
            weights=model / "weights.safetensors",
            predictions=model / "predictions.csv",
            trunk=model,
            stage=model,
        )


@pytest.mark.parametrize("change", [{"model": "other"}, {"chosen_seed": 3}, {"seeds": []}])
def test_metrics_of_another_model_or_seed_are_refused(model, change):
    with pytest.raises(
        InputError, match=r"metrics\.json: found metrics of .* expected those of te"
    ):
        describe(model, METRICS | change)


def test_the_same_files_give_the_same_bytes(model):
    before = (model / CARD).read_bytes()
    describe(model)
    assert (model / CARD).read_bytes() == before


def test_an_unknown_model_is_refused_with_those_there_are(model):
    (model.parent / "half_done").mkdir()
    with pytest.raises(
        InputError, match=r"models/bset: found no such model, expected one of .*: tested\."
    ):
        read_model_card(model.parent / "bset")
    with pytest.raises(InputError, match=r"there is no model in .*nowhere at all"):
        read_model_card(model.parent / "nowhere" / "pixel_components")


def test_a_folder_without_a_card_says_what_makes_one(model):
    (model / CARD).unlink()
    with pytest.raises(
        InputError,
        match=r"model\.json: there is no such file.*`snakemake --cores 4 results/models/tested/model\.json`",
    ):
        read_model_card(model)


def test_a_card_of_another_version_is_refused(model):
    rewrite(model / CARD, lambda card: card.update(format=FORMAT + 1, version="9.9.9", more="keys"))
    with pytest.raises(InputError, match=r"model\.json: found a card of another version .*9\.9\.9"):
        read_model_card(model)


@pytest.mark.parametrize(
    "change",
    [
        lambda card: card.pop("framing"),
        lambda card: card.pop("format"),
        lambda card: card.update(unknown=1),
    ],
    ids=["a key missing", "no version", "a key too many"],
)
def test_a_card_of_another_form_is_refused(model, change):
    rewrite(model / CARD, change)
    with pytest.raises(InputError, match=r"model\.json: can't be read as the card of a model"):
        read_model_card(model)


# A change of one key, and what is said of it.
WRONG_VALUES = [
    ("model", "../other", r"model: found '../other' \(text\), allowed is text \(Its name"),
    ("model", "tested\n", r"model: found 'tested\\n', allowed is text without control characters"),
    ("model", None, r"model: found None \(nothing\), allowed is text"),
    ("version", 5, r"version: found 5"),
    ("trunk", "../../../etc/passwd", r"trunk: found '../../../etc/passwd'"),
    ("trunk", "", r"trunk: found ''"),
    ("architecture", "vgg19", r"architecture: found 'vgg19' .*one of vgg16, resnet50, pixels"),
    ("architecture", ["pixels"], r"architecture: found \['pixels'\] \(a list\)"),
    ("depths", {}, r"depths: found {}"),
    ("depths", {"image": 0}, r"depths.image: found 0 .*an integer from 1 to 224"),
    ("depths", {"stage_1": 4}, r"depths.stage_1: found this depth, allowed for pixels are image, radiance"),
    ("trainable_stages", 1, r"trainable_stages: found 1, allowed for pixels is 0"),
    ("trainable_stages", -1, r"trainable_stages: found -1"),
    ("trainable_stages", "all", r"trainable_stages: found 'all'"),
    ("precision", "float16", r"precision: found 'float16' .*one of float32, bfloat16"),
    ("batch_size", 0, r"batch_size: found 0 \(an integer\), allowed is an integer from 1 to 1024 \(Images at a time"),
    ("batch_size", -8, r"batch_size: found -8"),
    ("batch_size", 8.0, r"batch_size: found 8.0 \(a number\)"),
    ("batch_size", "8", r"batch_size: found '8' \(text"),
    ("batch_size", True, r"batch_size: found True \(true/false\)"),
    ("batch_size", 10**400, r"batch_size: found 10+…"),
    ("threads", 0, r"threads: found 0 .*from 1 to 64"),
    ("threads", math.nan, r"threads: found nan"),
    ("framing.image_size", 10**9, r"framing.image_size: found 1000000000 .*from 32 to 1024"),
    ("framing.margin", math.nan, r"framing.margin: found nan .*not a finite one"),
    ("framing.filter", "nearest", r"framing.filter: found 'nearest'"),
    ("framing.more", 1, r"framing.more: found an unknown key, allowed are filter, image_size, margin"),
    ("framing", [], r"framing: found \[\] \(a list\), allowed is a section"),
    ("refinement.interval", 1, r"refinement.interval: found 1 .*from 0.5 to 0.99"),
    ("refinement.restarts", 10**6, r"refinement.restarts: found 1000000 .*from 0 to 7"),
    ("refinement.stride", 0, r"refinement.stride: found 0 .*from 1 to 16"),
    ("refinement.step", math.inf, r"refinement.step: found inf"),
    ("calibration.scales.tints", -1, r"calibration.scales.tints: found -1 .*a number from 0"),
    ("calibration.scales.tints", 1e300, r"calibration.scales.tints: found 1e\+300"),
    ("calibration.factors.base", math.nan, r"calibration.factors.base: found nan"),
    ("calibration.factors", {}, r"calibration.factors.base: found nothing, allowed is a number from 0"),
    ("calibration.images", None, r"calibration.images: found None"),
    ("checksums.weights", "0" * 63, r"checksums.weights: found '0+' .*\(A SHA-256\)"),
    ("checksums.weights", "0" * 64 + "\n", r"checksums.weights: found '0+\\n'"),
    ("checksums.more", "0" * 64, r"checksums.more: found an unknown key"),
    ("checksums", None, r"checksums: found None \(nothing\), allowed is a section"),
]  # fmt: skip


@pytest.mark.parametrize("key, value, message", WRONG_VALUES)
def test_what_no_card_can_hold_is_refused_with_key_and_remedy(model, key, value, message):
    def change(card):
        *path, last = key.split(".")
        for name in path:
            card = card[name]
        card[last] = value

    rewrite(model / CARD, change)
    with pytest.raises(
        InputError,
        match=rf"model\.json: can't be read as the card of a model \({message}.*`snakemake --cores 4 "
        r"results/models/tested/model\.json` makes it anew",
    ):
        read_model_card(model)


def test_all_mistakes_of_a_card_come_at_once(model):
    rewrite(model / CARD, lambda card: card.update(batch_size=0, threads="two"))
    with pytest.raises(InputError, match=r"batch_size: found 0 .*; threads: found 'two'"):
        read_model_card(model)


@pytest.mark.parametrize(
    "text", ["[]", "5", "null", "{", "[" * 100_000, '{"format": 1' + "0" * 5000 + "}"]
)
def test_json_that_is_no_card_is_refused(model, text):
    (model / CARD).write_text(text)
    seal(model / CARD)
    with pytest.raises(
        InputError, match=r"model\.json: (can't be read as|found a card of another)"
    ):
        read_model_card(model)


@pytest.mark.parametrize(
    "name", [CARD, f"{CARD}.sha256", "weights.safetensors", "predictions.csv.sha256"]
)
def test_a_pipe_in_place_of_a_file_is_refused_and_not_waited_for(model, name):
    (model / name).unlink()
    os.mkfifo(model / name)
    with pytest.raises(InputError, match="it is no regular file"):
        locate_files(model, read_model_card(model))


def test_a_link_to_a_model_leads_to_its_results(model, tmp_path):
    link = tmp_path / "linked" / "mine"
    link.parent.mkdir()
    link.symlink_to(model, target_is_directory=True)
    found = locate_files(link, read_model_card(link))
    assert found.stage.samefile(model.parents[1] / "stage.safetensors")
    (link / CARD).unlink()
    with pytest.raises(
        InputError, match=r"`snakemake --cores 4 results/models/tested/model\.json`"
    ):
        read_model_card(link)


def test_a_model_on_another_disk_belongs_to_the_results_that_link_to_it(model, tmp_path):
    model.rename(tmp_path / "elsewhere")
    model.symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    stage = model.parents[1] / "stage.safetensors"
    assert locate_files(model, read_model_card(model)).stage == stage
    (model / CARD).unlink()
    with pytest.raises(
        InputError, match=r"`snakemake --cores 4 results/models/tested/model\.json`"
    ):
        read_model_card(model)


@pytest.mark.parametrize(
    "change",
    [
        {"seeds": 5},
        {"seeds": [5]},
        {"seeds": [{"seed": 2, "threads": 0}]},
        {"chosen_seed": "2"},
    ],
)
def test_metrics_of_another_form_make_no_card(model, change):
    with pytest.raises(
        InputError, match=r"metrics\.json: can't be read as metrics \((seeds|chosen)"
    ):
        describe(model, METRICS | change)


def test_the_files_are_found_from_wherever_the_folder_is_given(model, monkeypatch):
    card = read_model_card(model)
    stage = model.parents[1] / "stage.safetensors"
    assert locate_files(model, card).stage == stage
    assert locate_files(model / ".." / "tested", card).stage == stage
    monkeypatch.chdir(model)
    assert locate_files(".", card).stage == stage


def test_a_link_to_the_folder_is_as_good(model, tmp_path):
    link = tmp_path / "elsewhere" / "models" / "link"
    link.parent.mkdir(parents=True)
    link.symlink_to(model)
    assert locate_files(link, read_model_card(link)).stage.samefile(
        model.parents[1] / "stage.safetensors"
    )
    (model / CARD).unlink()
    with pytest.raises(
        InputError, match=r"`snakemake --cores 4 results/models/tested/model\.json`"
    ):
        read_model_card(link)


def test_a_folder_that_is_a_link_in_the_results_has_what_lies_beside_the_link(model, tmp_path):
    model.rename(tmp_path / "moved")
    model.symlink_to(tmp_path / "moved")
    assert locate_files(model, read_model_card(model)).stage == (
        model.parents[1] / "stage.safetensors"
    )


@pytest.mark.parametrize("name", ["model.json", "model.json.sha256", "weights.safetensors"])
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_a_pipe_or_device_in_the_place_of_a_file_is_refused(model, name, make):
    (model / name).unlink()
    make(model / name)
    with pytest.raises(InputError, match=rf"{name}.*it is no regular file"):
        locate_files(model, read_model_card(model))


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_a_pipe_or_device_as_stage_is_refused(model, make, tmp_path):
    stage = tmp_path / "pipe.safetensors"
    write_sealed_text(stage, "stage")
    stage.unlink()
    make(stage)
    with pytest.raises(InputError, match="it is no regular file"):
        locate_files(model, read_model_card(model), stage)


@pytest.mark.parametrize(
    "name", ["stage.safetensors", "trunks/small.safetensors", "models/tested/weights.safetensors"]
)
def test_another_file_than_the_cards_is_refused(model, name):
    path = model.parents[1] / name
    wanted = seal_path(path).read_text()[:12]
    write_sealed_text(path, "another one")
    found = seal_path(path).read_text()[:12]
    with pytest.raises(
        InputError, match=rf"{path.name}: found the checksum {found}…, expected {wanted}…"
    ):
        locate_files(model, read_model_card(model))


def test_a_damaged_or_missing_file_is_refused_by_name(model):
    card = read_model_card(model)
    stage = model.parents[1] / "stage.safetensors"
    stage.write_text("st")
    with pytest.raises(InputError, match=r"stage\.safetensors: its contents don't match"):
        locate_files(model, card)
    stage.unlink()
    with pytest.raises(InputError, match=r"stage\.safetensors: can't be read"):
        locate_files(model, card)


def test_a_stage_elsewhere_is_taken_if_it_is_the_same(model, tmp_path):
    card = read_model_card(model)
    (model.parents[1] / "stage.safetensors").rename(tmp_path / "moved.safetensors")
    write_sealed_text(tmp_path / "moved.safetensors", "stage")
    assert (
        locate_files(model, card, tmp_path / "moved.safetensors").stage.name == "moved.safetensors"
    )
    write_sealed_text(tmp_path / "moved.safetensors", "another")
    with pytest.raises(InputError, match=r"moved\.safetensors: found the checksum .*--stage"):
        locate_files(model, card, tmp_path / "moved.safetensors")


def test_a_whole_network_needs_no_trunk_file(model):
    describe(model, trainable_stages=2, architecture="vgg16", depths=None)
    (model.parents[1] / "trunks" / "small.safetensors").unlink()
    assert locate_files(model, read_model_card(model)).trunk is None
