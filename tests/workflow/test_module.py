"""The workflow as a module of another one, in another folder and with results there."""

import pytest
import yaml

from tests.support.prepared_snakemake import run_prepared
from tests.support.project import ROOT

LOADER = """
configfile: {config!r}


module shading:
    snakefile:
        {snakefile!r}
    config:
        config


use rule * from shading as shading_*
"""


def plan(folder, **changes):
    config = yaml.safe_load((ROOT / "config.yaml").read_text()) | changes
    (folder / "settings.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    snakefile = str(ROOT / "workflow" / "Snakefile")
    text = LOADER.format(config=str(folder / "settings.yaml"), snakefile=snakefile)
    (folder / "Snakefile").write_text(text)
    # The other workflow has no profile, and this one's isn't its own.
    command = [
        "--snakefile", folder / "Snakefile", "--directory", folder, "--workflow-profile", "none",
        "--dry-run", "--cores", "2", "--nocolor",
    ]  # fmt: skip
    return run_prepared(list(map(str, command)))


@pytest.mark.parametrize("n_images", [1000, 1500])
def test_another_workflow_loads_it_with_its_own_settings(tmp_path, n_images):
    done = plan(tmp_path, n_images=n_images, studies={})
    assert done.returncode == 0, done.stdout
    counts = dict(line.split() for line in done.stdout.splitlines() if len(line.split()) == 2)
    assert counts["shading_render"] == str(n_images // 500)
    assert counts["shading_all"] == counts["shading_novel_stage"] == "1"
    assert counts["shading_train"] == "10" and counts["shading_train_streamed"] == "1"
    assert counts["shading_describe"] == "11"


def test_its_settings_are_checked(tmp_path):
    done = plan(tmp_path, n_images=1001)
    assert done.returncode != 0
    assert "n_images: found 1001, allowed is a multiple of shard_size (500)" in done.stdout
