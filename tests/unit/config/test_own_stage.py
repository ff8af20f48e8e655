"""Settings of a stage of one's own: laid over the shipped ones, and refused by key."""

import pytest

from inverse_shading.config.own_stage import stage_settings
from inverse_shading.runtime.errors import InputError


def settings(folder, text, given=()):
    path = folder / "mine.yaml"
    path.write_text(text)
    return stage_settings(path, dict(given))


def test_what_is_not_said_is_as_shipped(config, tmp_path):
    names = ("stage", "render", "framing", "refinement", "export", "seed")
    sections = {name: config[name] for name in names}
    assert stage_settings(None, {}) == settings(tmp_path, "") == sections
    sections["stage"]["camera"]["azimuth"] = 30
    text = "seed: 1.0\nstage: {camera: {azimuth: 20}}"
    assert settings(tmp_path, text, {"stage": {"camera": {"azimuth": 30.0}}}) == sections


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("false", "found no keys, expected a configuration"),
        ("scene: {}", "scene: found an unknown key, allowed are appearance, .*, stage"),
        ("seed: 4294967296", "seed: found 4294967296 .*from 0 to 4294967295"),
        ("stage: {camera: {azimuth: 999}}", "stage.camera.azimuth: found 999 .*from -180 to 180"),
        ("export: {pixels: 599}", "export.pixels: found 599 .*from 600 to 1000000"),
        ("refinement: {doubtful: 0.0001}", r"refinement.denied: found 0.001, allowed .*\(0.0001\)"),
        ("framing: {image_size: 512}", r"framing.image_size: found 512, allowed .*frame_size \(448\)"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused(tmp_path, text, message):
    with pytest.raises(InputError, match=rf"(?s)mine\.yaml.*{message}"):
        settings(tmp_path, text)
