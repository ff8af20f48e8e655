"""The benchmark of runs of any size: what grows with the images, in proportion to a finished run."""

import sys
from pathlib import Path

from inverse_shading.report.findings import read_findings
from tests.support.record_inputs import write_model, write_timing

ROOT = Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "benchmarks"))

import scale


def test_hours_bytes_and_files_are_in_proportion(monkeypatch, tmp_path):
    results = tmp_path / "results"
    for name in scale.FOLDERS:
        (results / name).mkdir(parents=True)
    (results / "parameters/000000-000001.csv").write_text("id\n000000000\n000000001\n")
    (results / "images/000000-000001.npy").write_bytes(bytes(10**6))
    (results / "weights.safetensors").write_bytes(bytes(10**6))
    for model in ("vgg16_v1", "streamed"):
        write_model(results, model, 0.03)
    for name, seconds in {
        "render/000000-000001": 18.0,
        "features/vgg16/000000-000001": 36.0,
        "features/resnet50/000000-000001": 36.0,
        "train/vgg16_v1/1": 72.0,
        "evaluate/streamed/1": 9.0,
        # None of these grows with the images.
        "train/streamed/1": 9000.0,
        "calibrate": 9000.0,
    }.items():
        write_timing(results, name, seconds)
    monkeypatch.setattr(scale, "plan_row", lambda size: ["5", "6", "7", "8.0", "9", "10.0"])
    kept = tmp_path / "kept" / "scale.json"
    monkeypatch.setattr(
        sys, "argv", ["scale.py", str(results), "--sizes", "2000/500", "--keep", str(kept)]
    )
    kept.parent.mkdir()
    scale.main()
    found = read_findings(kept.parent)["scale"]
    assert found["numbers"] == {"images": "2"}
    assert found["tables"]["plans"]["rows"] == [["5", "6", "7", "8.0", "9", "10.0"]]
    # A thousand times 18 s of one core, 72 s and 72 s of two.
    growth = found["tables"]["growth"]
    assert growth["headers"][4:] == [*scale.GROWING, "all"]
    assert growth["rows"] == [
        ["2,000", "500", "8", "1.0", "5.00", "0.00", "40", "40", "5.00", "0.00", "90"]
    ]


def test_a_plan_is_counted():
    jobs, seconds, memory = scale.plan((1000, 500), "results/renders/000500-000999.tar")
    # Stage, parameters, renders.
    assert jobs == 3 and seconds > 0 and memory > 10
