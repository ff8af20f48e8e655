"""All named cases, a few hundred drawn inputs, and that the harness tells right from wrong."""

from dataclasses import replace

import numpy as np
import pytest
import yaml

from tests.fuzz import artefacts, configurations, meshes, misbehaviour, pictures
from tests.fuzz.harness import FAILURES, Input, Worker, portion
from tests.fuzz.kinds import DRAWN
from tests.fuzz.mutation import Damage
from tests.fuzz.named_cases import KINDS as NAMED
from tests.fuzz.worker import judge


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="module")
def worker(shared):
    worker = Worker(shared)
    yield worker
    worker.close()


@pytest.mark.parametrize("name", NAMED)
def test_what_has_done_harm_does_none(worker, name):
    outcome = worker.attempt(Input(name, 0))
    assert outcome.verdict not in FAILURES, outcome


@pytest.mark.parametrize("group", sorted({kind.group for kind in DRAWN.values()}))
def test_drawn_inputs_are_refused_or_taken_rightly(worker, group):
    inputs = portion(DRAWN, 300, seed=2)
    own = [one for one in inputs if DRAWN[one.kind].group == group]
    outcomes = {one: worker.attempt(one) for one in own}
    failed = {one: outcome for one, outcome in outcomes.items() if outcome.verdict in FAILURES}
    assert not failed
    assert len(outcomes) > 2


def test_an_input_is_made_again_by_its_name(shared, tmp_path):
    for one in (Input("PNG 16", 5), Input("gltf members", 9), Input("configuration", 7)):
        made = []
        for number in range(2):
            folder = tmp_path / f"{one.kind} {number}"
            folder.mkdir()
            DRAWN[one.kind].make(one, folder, tmp_path if number else shared)
            made.append([path.read_bytes() for path in sorted(folder.iterdir())])
        assert made[0] == made[1]


@pytest.mark.parametrize("name", misbehaviour.READERS)
def test_the_harness_tells_every_misbehaviour(shared, name):
    # Only what hangs needs all of its time.
    seconds = 2 if name == "hangs" else 5
    worker = Worker(shared, seconds, misbehaviour.MEMORY, "tests.fuzz.misbehaviour")
    assert worker.attempt(Input(name, 0)).verdict == misbehaviour.READERS[name][1]
    # Whatever it was, the next input is tried as if nothing had been.
    assert worker.attempt(Input("accepts well", 0)).verdict == misbehaviour.RIGHT
    worker.close()


def changed(found):
    """The same pixels but for one."""
    found = found.copy()
    found[-1, -1, -1] = 7 if found[-1, -1, -1] != 7 else 8
    return found


@pytest.mark.parametrize("kind", [*pictures.PICTURES, *pictures.MAPS])
def test_wrong_pixels_are_told(kind):
    own, true = pictures.sample(kind), pictures.undamaged(kind)
    assert pictures.wrong_pixels(kind, Damage(b"", 0, 1), true) is None
    cut = Damage(own.content[:-1], len(own.content) - 1, len(own.content), cut=True)
    assert "cut short" in pictures.wrong_pixels(kind, cut, changed(true))
    broken = np.full_like(true, np.nan)
    assert pictures.wrong_pixels(kind, Damage(b"", 0, 1), broken)
    for start, stop in own.checked:
        harm = Damage(b"", start, start + 1)
        assert stop > start and "checksum" in pictures.wrong_pixels(kind, harm, changed(true))
    for start, stop, row in own.rows:
        harm = Damage(b"", start, stop)
        problem = pictures.wrong_pixels(kind, harm, changed(true))
        # Only damage to the last row may change it.
        assert problem is None if row == pictures.HEIGHT - 1 else "differ" in problem
    assert pictures._other_source(kind, true) is None
    assert pictures._other_source(kind, true + 30) is not None


MOVED = (lambda mesh: replace(mesh, positions=mesh.positions + np.float32(1)), "positions")
LONG = (lambda mesh: replace(mesh, normals=2 * mesh.normals), "normals")
OUTSIDE = (lambda mesh: replace(mesh, triangles=mesh.triangles + np.uint32(99)), "triangles")
DOUBLE = (lambda mesh: replace(mesh, triangles=np.tile(mesh.triangles, (2, 1))), "triangles")
TURNED = (lambda mesh: replace(mesh, triangles=mesh.triangles[:, ::-1]), "triangles")


@pytest.mark.parametrize(
    ("kind", "change", "what"),
    [
        *(("glb members", *change) for change in (MOVED, LONG, OUTSIDE, TURNED)),
        *(("gltf members", *change) for change in (MOVED, LONG, OUTSIDE, TURNED)),
        # Polygons are cut up, so corners aren't compared in their order.
        *(("obj", *change) for change in (MOVED, LONG, DOUBLE)),
    ],
)
def test_wrong_meshes_are_told(tmp_path, kind, change, what):
    trial = DRAWN[kind].make(Input(kind, 0), tmp_path, tmp_path)
    mesh = trial.read()
    assert trial.judge(mesh) is None
    assert what in trial.judge(change(mesh))


def test_a_mesh_of_what_is_out_of_range_is_told(tmp_path):
    document, content = meshes.ball_document(sparse=True)
    document["accessors"][0]["sparse"]["indices"]["bufferView"] = 1
    path = tmp_path / "mesh.gltf"
    path.write_bytes(meshes.with_data_uri(document, content))
    with pytest.raises(meshes.BrokenError, match="a sparse place"):
        meshes.wrong_gltf(path, meshes.ball())


@pytest.mark.parametrize(
    ("keys", "value", "what"),
    [
        (("n_images",), 10000.0, "n_images"),
        (("training", "learning_rate"), float("inf"), "learning_rate"),
        (("training", "max_epochs"), True, "max_epochs"),
        (("stage", "mesh"), "mesh.obj\n", "newline"),
    ],
)
def test_wrong_configurations_are_told(keys, value, what):
    config = yaml.safe_load(configurations.SHIPPED.read_text())
    assert configurations.wrong_config(config, config) is None
    section = config
    for key in keys[:-1]:
        section = section[key]
    section[keys[-1]] = value
    assert what in configurations.wrong_config(config, config)
    assert configurations.wrong_config({}, config) is not None


def test_wrong_values_of_artefacts_are_told():
    true = {"a": np.zeros(3), "b": [1, "x"]}
    assert artefacts.same_values(true, {"a": np.zeros(3), "b": [1, "x"]}) is None
    assert artefacts.same_values(true, {"a": np.ones(3), "b": [1, "x"]})
    assert artefacts.wrong_values(true, {"a": np.ones(3), "b": [2, "y"]}) is None
    for wrong in (np.zeros(4), np.full(3, np.nan), np.array(["0"] * 3)):
        assert artefacts.wrong_values(true, {"a": wrong, "b": [1, "x"]})


def test_wrong_tables_are_told():
    whole = np.zeros((4, 10))
    # A table that was cut between two rows can't be told from a shorter one.
    assert artefacts.wrong_table({"true": whole, "predicted": whole}) is None
    assert artefacts.wrong_table({"true": whole[:2], "predicted": whole[:2]}) is None
    for wrong in (whole[:3], whole[:, :9], np.full((4, 10), np.nan)):
        assert artefacts.wrong_table({"true": whole, "predicted": wrong})
    assert artefacts.wrong_table({"true": whole[:, :9], "predicted": whole[:, :9]})


def test_a_card_of_other_types_is_told(tmp_path):
    assert artefacts._other_types({"a": 2.0, "b": None}, {"a": 1, "b": None}, "card") is None
    for wrong in (True, "1", 1.5, None, float("nan")):
        assert artefacts._other_types({"a": wrong}, {"a": 1}, "card")


def test_a_damaged_file_under_its_old_checksum_must_be_refused(shared, tmp_path):
    kind = "calibration.json, old checksum"
    trial = DRAWN[kind].make(Input(kind, 1), tmp_path, shared)
    assert judge(replace(trial, read=lambda: None))[0] == "wrongly accepted"
