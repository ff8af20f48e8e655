"""Verdicts: pictures of the stage are explained in files of any kind, and those made otherwise aren't."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from inverse_shading.inversion import misfit
from inverse_shading.inversion.misfit import (
    DOUBTFUL,
    EXPLAINED,
    FEWEST,
    LITTLE,
    OTHER,
    SHIPPED_MARGINS,
    Residual,
    as_filed,
    judge,
    likely_reasons,
    measure_margins,
)
from inverse_shading.pictures import silhouette
from inverse_shading.pictures.file_kind import EIGHT_BITS, FileKind, PictureSource
from inverse_shading.pictures.placement import frame_picture
from inverse_shading.render.unrounded import UnroundedRenderer
from inverse_shading.scene.environment import irradiance_map
from inverse_shading.scene.stage_file import read_stage, save_stage
from tests.support.small_stage import FRAMING, MATERIALS, SETTINGS, framed

# A dielectric whose highlights tell the light's colour from its own.
VALUES = MATERIALS[0]


@pytest.fixture(scope="module")
def picture_of(path, tmp_path_factory):
    """A function: from a frame in levels of 255 and a file's name to the framed picture."""
    folder, stage = tmp_path_factory.mktemp("pictures"), read_stage(path)

    def write(frame, name, **options):
        image = Image.fromarray(np.rint(frame).astype(np.uint8))
        image.save(folder / name, **options)
        return frame_picture(folder / name, stage, FRAMING, any_silhouette=True)

    return write


@pytest.mark.parametrize(
    "name, options, file",
    [
        ("own.png", {}, "8 bits"),
        ("own.jpg", {"quality": 95}, "JPEG, quality 95"),
        ("rough.jpg", {"quality": 60}, "JPEG, quality 60"),
    ],
)
def test_pictures_of_the_stage_are_explained(refiner, picture_of, name, options, file):
    picture = picture_of(refiner._renderer.frame(VALUES), name, **options)
    fit = refiner.refine(picture, VALUES).fit
    assert fit.verdict == EXPLAINED and fit.file == file and fit.reasons == ()
    assert fit.left == pytest.approx(fit.expected, rel=0.05)


@pytest.mark.parametrize("levels, explained", [(0.03, True), (0.3, False)])
def test_what_means_nothing_is_so_many_levels_however_little_is_expected(
    refiner, levels, explained
):
    """A file that isn't rounded leaves nothing to be held against."""
    picture, size = framed(refiner.render(VALUES), refiner.weights), len(refiner.weights)
    rows, columns = np.indices((size, size))
    pattern = np.where((rows + columns) % 2, levels, -levels)[..., None]
    target = (refiner._renderer.image(VALUES) + pattern).astype(np.float32)
    source = PictureSource(FileKind(0), size, size, (0, 0, size, size))
    fit = refiner.refine(replace(picture, target=target, source=source), VALUES).fit
    assert fit.left == pytest.approx(levels, rel=0.1) and fit.expected < 0.005
    assert fit.explained == explained


def test_intervals_of_a_jpeg_allow_for_what_its_errors_do(refiner, picture_of):
    picture = picture_of(refiner._renderer.frame(VALUES), "wide.jpg", quality=75)
    solution = refiner.solve(picture, VALUES)
    shift = refiner.residual(picture, solution).shift
    plain, own = (refiner._draws(picture, solution, by, 1.0).u.std(axis=0) for by in (0, shift))
    assert np.median(own / plain) > 1.5


def test_a_whole_frame_is_the_picture_that_its_file_is(refiner, picture_of):
    read = picture_of(refiner._renderer.rounded_frame(VALUES), "frame.png")
    made = refiner.whole_frame(framed(refiner.render(VALUES), refiner.weights), VALUES)
    assert (made.placement, made.source) == (read.placement, read.source) and made.source
    np.testing.assert_allclose(made.target, read.target, atol=1e-3)
    np.testing.assert_array_equal(made.image, read.image)


def test_compression_that_the_file_does_not_tell_of_is_noticed(refiner, picture_of):
    picture = picture_of(refiner._renderer.frame(VALUES), "hidden.jpg", quality=60)
    plain = replace(picture.source, kind=replace(picture.source.kind, tables=None))
    fit = refiner.refine(replace(picture, source=plain), VALUES).fit
    assert fit.verdict == OTHER and "compression" in fit.reasons


def test_another_exposure_is_noticed_and_can_be_fitted_along(refiner, picture_of):
    gains = (1.25, 1.0, 0.8)
    picture = picture_of(refiner._renderer.frame(np.append(VALUES, gains)), "bright.png")
    estimate = refiner.refine(picture, VALUES)
    assert estimate.fit.verdict == OTHER and "exposure" in estimate.fit.reasons
    assert estimate.gains is None
    fitted = refiner.refine(picture, VALUES, fit_exposure=True)
    assert fitted.fit.verdict == EXPLAINED
    # What base_color and gain share is hardly told apart.
    np.testing.assert_allclose(fitted.gains, gains, rtol=0.08)
    np.testing.assert_allclose(fitted.material[5], VALUES[5], atol=0.01)
    shown = refiner.render(fitted.material, fitted.gains).astype(float) - picture.image
    assert np.sqrt(np.mean(shown[picture.weights > 0.5] ** 2)) < 1


def test_a_tinted_light_is_noticed_and_intervals_are_wider(refiner, path, tmp_path, monkeypatch):
    own = framed(refiner.render(VALUES), refiner.weights)
    stage = read_stage(path)
    radiance = (stage.radiance[:, ::-1] * (1.15, 1.0, 0.85)).astype(np.float32)
    varied = replace(stage, radiance=radiance, irradiance=irradiance_map(radiance))
    save_stage(tmp_path / "varied.safetensors", varied)
    renderer = UnroundedRenderer(tmp_path / "varied.safetensors", FRAMING, 2, "cpu", 1)
    other = framed(renderer.rounded_image(VALUES), refiner.weights)
    renderer.close()
    estimates = [refiner.refine(picture, VALUES) for picture in (own, other)]
    assert [estimate.fit.explained for estimate in estimates] == [True, False]
    assert estimates[1].fit.reasons
    margin = SETTINGS["misfit_margin"]
    monkeypatch.setattr(refiner, "_settings", SETTINGS | {"misfit_margin": 0.0})
    bare = refiner.refine(other, VALUES)
    np.testing.assert_allclose(estimates[1].low, np.maximum(bare.low - margin, 0))
    np.testing.assert_allclose(estimates[1].high, np.minimum(bare.high + margin, 1))
    widths = [np.sum(estimate.high - estimate.low) for estimate in (estimates[0], bare)]
    assert widths[1] > 2 * widths[0]


SHARED = FileKind(0, linear=True, shared=True)


def test_a_kind_that_mixes_channels_is_given_all_of_them(refiner):
    own = framed(refiner.render(VALUES), refiner.weights)
    size = len(own.weights)
    source = PictureSource(SHARED, size, size, (0.0, 0.0, float(size), float(size)))
    frame = refiner._renderer.frame(VALUES)
    filed = as_filed(refiner._renderer, replace(own, source=source), frame)
    expected = SHARED.applied(refiner._renderer.framed(frame))
    np.testing.assert_allclose(filed, expected, atol=1e-3)
    assert np.abs(filed - refiner._renderer.framed(frame)).max() > 0.1


@pytest.mark.parametrize(
    "kind", [EIGHT_BITS, SHARED, FileKind(255, tables={0: [9] * 64, 1: [9] * 64})]
)
def test_of_a_wide_file_only_what_the_square_shows_is_made(refiner, monkeypatch, kind):
    own = framed(refiner.render(VALUES), refiner.weights)
    size, sides = len(own.weights), []
    frame = refiner._renderer.frame(VALUES)

    def filed(width, left):
        square = (left, 3.0, left + 1.5 * size, 3.0 + 1.5 * size)
        source = PictureSource(kind, 2 * size, width, square)
        return as_filed(
            refiner._renderer, replace(own, source=source, placement="silhouette"), frame
        )

    def through_square(data, square, side, *further):
        sides.append(side)
        return silhouette.through_square(data, square, side, *further)

    monkeypatch.setattr(misfit, "through_square", through_square)
    wide = filed(12 * size, 160.5)
    assert max(sides) < 3 * size
    with monkeypatch.context() as patch:
        patch.setattr(misfit, "_near_square", lambda source, _: source)
        np.testing.assert_allclose(wide, filed(12 * size, 160.5), atol=1e-3)


def test_margins_are_measured_and_few_materials_leave_the_shipped_ones():
    found = np.abs(np.random.default_rng(0).normal(size=400))
    margins = measure_margins(list(found))
    assert margins.images == 400
    p_values = np.array([margins.p_value(score) for score in found])
    for share in (0.05, 0.2, 0.5):
        assert (p_values <= share).mean() == pytest.approx(share, abs=0.02)
    # More is never more likely, and little is likely wherever nearly nothing was left.
    assert margins.p_value(20.0) < 0.001 < margins.p_value(found[0])
    assert np.all(np.diff([margins.p_value(x) for x in np.linspace(-1, 9, 50)]) <= 0)
    assert measure_margins(list(found / 1000)).p_value(LITTLE / 2) > 0.05
    assert measure_margins(list(found[: FEWEST - 1])) is SHIPPED_MARGINS


def test_reasons_are_told_apart_by_what_is_left(refiner):
    picture = framed(refiner.render(VALUES), refiner.weights)
    smooth = Residual(1.0, 0.3, 90.0, 0.9, np.zeros(9))
    rough, as_expected = replace(smooth, smooth=0.02), Residual(0.3, 0.3, 0.0, 0.1, np.zeros(9))

    def reasons(found, fitted=None, placement="framed"):
        shown = replace(picture, placement=placement)
        return likely_reasons(found, fitted, fitted is as_expected, shown)

    assert reasons(smooth) == ("light", "renderer")
    assert reasons(rough) == ("compression",)
    assert reasons(smooth, as_expected)[0] == "exposure"
    assert "exposure" not in reasons(smooth, smooth)
    assert "object" in reasons(smooth, placement="given")
    fit = judge(smooth, SHIPPED_MARGINS, picture, SETTINGS)
    assert fit.verdict == OTHER and fit.p_value < 0.001 and not fit.calibrated
    assert "not calibrated" in fit.sentence
    easy = SETTINGS | {"denied": fit.p_value / 2}
    assert judge(smooth, SHIPPED_MARGINS, picture, easy).verdict == DOUBTFUL
    easy["doubtful"] = fit.p_value / 2
    assert judge(smooth, SHIPPED_MARGINS, picture, easy).verdict == EXPLAINED
