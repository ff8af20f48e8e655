"""The benchmark of training, at a tiny size: that what it compares is the same work.

How fast anything was is not looked at.
"""

import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from inverse_shading.dataset.labels import read_labels
from inverse_shading.dataset.rows import open_features
from inverse_shading.report.findings import read_findings

ROOT = Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "benchmarks"))

import train
from speed import fine_tuning
from speed.data import Workload
from speed.fine_tuning import best_matmul, count_flops, fine_tune
from speed.head import arguments_of_training, one_epoch, train_kept_epoch, train_plain_epoch

CONFIG = yaml.safe_load((ROOT / "config.yaml").read_text())
CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def little_warm_up(monkeypatch):
    """Steps before the clock starts shape times alone, which nothing here looks at."""
    monkeypatch.setattr(fine_tuning, "WARM_UP_STEPS", 1)


def workload(folder, images=40, results=None):
    return Workload(folder, CONFIG, "cpu", 1, images, 64, 40, None, results)


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return workload(tmp_path_factory.mktemp("work"))


def tables(text):
    """Rows of each table as dicts, by the table's number."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        header, _, *rows = (
            [cell.strip() for cell in line.split("|")[1:-1]] for line in block.splitlines()
        )
        assert all(len(row) == len(header) for row in rows)
        found.append([dict(zip(header, row, strict=True)) for row in rows])
    return found


def test_the_command_prints_and_keeps_every_table(capsys, tmp_path):
    kept = tmp_path / "kept" / "train.json"
    kept.parent.mkdir()
    work = tmp_path / "work"
    work.mkdir()
    train.main(
        "--images 20 --image-size 32 --kept-images 40 --trunk-images 4 --rounds 1 --threads 1 "
        "--epochs 2 --models vgg16_bins_v2 --device cpu --parts trunks heads fine-tuning "
        f"--batch-size 2 --steps 1 --matrix-size 64 --backend eager --folder {work} "
        f"--keep {kept}".split()
    )
    text = capsys.readouterr().out
    trunks, heads, memory, fine_tuning = tables(text)
    assert "largest difference" in trunks[0] and trunks[0]["way"] == "plain, float32"
    assert {row["way"].split()[-1] for row in trunks if "chosen" in row["way"]} == {"(chosen)"}
    exact = next(row for row in trunks if row["way"].startswith("ours, float32"))
    assert float(exact["distance of features"]) < 1e-3
    assert [row["model"] for row in heads] == ["`vgg16_bins_v2`"]
    assert float(heads[0]["of float32 features"].rstrip("%")) < 0.1
    assert float(heads[0]["difference"].rstrip("%")) < 10
    peak, own, mapped = (
        float(memory[0][name].split()[0]) for name in ("peak", "its own", "mapped files")
    )
    assert 0 < own < peak and 0 < mapped < peak
    assert "on 40 images" in text
    assert [row["way"] for row in fine_tuning] == ["eager", "torch.compile"]
    assert fine_tuning[0]["first loss"] == fine_tuning[1]["first loss"]
    assert list(work.iterdir()) == []
    found = read_findings(kept.parent)["train"]
    assert list(found["tables"]) == ["trunks", "heads", "memory", "fine_tuning"]
    assert found["tables"]["heads"]["rows"] == [list(row.values()) for row in heads]
    assert float(found["numbers"]["whole_ratio"]) > 0


def test_without_a_gpu_the_report_says_what_is_left_out(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(train, "PARTS", ())
    train.main(
        f"--images 20 --image-size 32 --kept-images 20 --threads 1 --folder {tmp_path}".split()
    )
    assert "left out: PyTorch sees no GPU here" in capsys.readouterr().out


# A pooled head with batch norm and dropout; a map of its own size with dropout of whole channels.
@pytest.mark.parametrize("model", ["resnet50_v3", "vgg16_v2"])
def test_both_sides_train_the_same_epoch(work, tmp_path, model):
    config = one_epoch(train.settings(CONFIG, model))
    config["training"] |= {"batch_size": 16}
    work.make_features(config["trunk"])
    files = work.float32_sample
    arguments = arguments_of_training(tmp_path, config, files, "cpu", 1, 60)
    kept = train_kept_epoch(arguments)
    plain, _ = train_plain_epoch(arguments, work.trunk(config["trunk"]), work.images)
    assert kept.difference(plain) < 1e-2
    # Not for want of a difference: another seed draws other weights, order and dropout.
    arguments["config"] = config | {"seed": 2}
    assert train_kept_epoch(arguments).difference(plain) > 2e-2


def test_kept_features_are_the_sample_s_over_and_over(work):
    work.make_features("vgg16")
    (path,) = work.sample.features_of("vgg16")
    labels = read_labels(work.kept.parameters, work.kept.splits)
    kept = open_features(work.kept.features_of("vgg16"), labels, "float32")
    np.testing.assert_array_equal(kept.rows(np.arange(40)), np.load(path)[np.arange(40) % 40])


def test_a_finished_run_gives_images_trunks_and_features(work, tmp_path):
    work.make_features("vgg16")
    name = work.kept.parameters[0].stem
    for kind, path in {
        "images": work._images,
        "trunks": work.trunk("vgg16"),
        "parameters": work.kept.parameters[0],
        "splits": work.kept.splits[0],
        "features/vgg16": work.kept.features_of("vgg16")[0],
    }.items():
        (tmp_path / "results" / kind).mkdir(parents=True)
        for file in (path, Path(f"{path}.sha256")):
            shutil.copy(file, tmp_path / "results" / kind)
    found = workload(tmp_path / "made", images=20, results=tmp_path / "results")
    np.testing.assert_array_equal(found.images, work.images[:20])
    assert found.trunk("vgg16") == tmp_path / "results/trunks/vgg16.safetensors"
    run = read_labels(found.kept.parameters, found.kept.splits)
    sample = read_labels(found.sample.parameters, found.sample.splits)
    assert name == "000000-000039" and len(run.values) == 40
    np.testing.assert_array_equal(sample.targets, run.targets[:20])
    found.make_features("vgg16")
    kept = open_features(found.kept.features_of("vgg16"), run, "float32")
    of_sample = open_features(found.sample.features_of("vgg16"), sample, "float32")
    np.testing.assert_array_equal(of_sample.rows(np.arange(20)), kept.rows(np.arange(20)))
    with pytest.raises(SystemExit, match="give --images 40 or less"):
        workload(tmp_path / "more", images=60, results=tmp_path / "results")


def test_operations_are_counted_as_published(work):
    left, right = torch.ones(3, 5), torch.ones(5, 7)
    assert count_flops(lambda: left @ right) == 2 * 3 * 5 * 7
    found = fine_tune(work.trunk("resnet50"), work.images, "eager", CPU, 2, 1, 1)
    # 4.09 billion multiply-adds at 224 px (He et al.'s 3.8 with the strides where torchvision has
    # them), forward and twice that backward, but for the first layer's gradient to the image.
    expected = 3 * 2 * 4.09e9 * (64 / 224) ** 2
    assert found.flops == pytest.approx(expected, rel=0.05)
    assert found.batch_size == 2 and np.isfinite(found.first_loss) and found.rate > 0
    assert best_matmul(64, CPU, 1, 1) > 0
