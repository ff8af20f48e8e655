"""The command: what it hands on, what it answers, how it ends."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from inverse_shading import __version__
from inverse_shading.command import main
from inverse_shading.evaluation.comparison_table import ERRORS
from inverse_shading.prediction import predict as prediction
from inverse_shading.prediction import view
from inverse_shading.prediction.session import Options
from inverse_shading.report.comparison_summary import format_summary
from inverse_shading.runtime.errors import InputError
from inverse_shading.runtime.jobs import logger
from inverse_shading.runtime.resources import Resources
from tests.support.record_inputs import write_results
from tests.support.tables import write_comparison

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run(monkeypatch):
    """Call the command with a prediction of one's own; its arguments are kept."""
    monkeypatch.setattr(logger, "handlers", [])
    monkeypatch.setattr(logger, "level", logger.level)
    monkeypatch.setattr(logger, "propagate", True)
    calls = []

    def call(*arguments, result=prediction.Outcome()):  # noqa: B008
        def predict(*positional, **named):
            calls.append((positional, named))
            return result() if callable(result) else result

        monkeypatch.setattr(prediction, "predict_pictures", predict)
        return main(["predict", *arguments])

    call.calls = calls
    return call


def raising(error):
    def result():
        raise error

    return result


def test_all_well(run):
    assert run("a.png", "folder", "--model", "pixel_components") == 0
    (positional, named) = run.calls[0]
    paths, model, output, options = positional
    assert paths == [Path("a.png"), Path("folder")]
    assert (model, output) == (Path("pixel_components"), Path("predictions"))
    assert options == Options(refine=False)
    rendering = named.pop("rendering")
    assert rendering.device == "auto" and rendering.threads >= 1
    assert named.pop("exports") == () and named.pop("export_settings") is None
    assert named == {"stage": None, "device": "auto", "again": False}


def test_every_option_is_handed_on(run):
    run(
        "a.png", "--model", "m", "--refine", "--alternatives", "3", "--output", "o", "--encoding",
        "linear", "--any-silhouette", "--fit-exposure", "--stage", "s", "--device", "cpu", "--render-device", "2",
        "--threads", "5", "--again", "--quiet", "--layer", "beauty", "--to", "openpbr, gltf,openpbr",
    )  # fmt: skip
    (positional, named) = run.calls[0]
    assert positional[1:] == (
        Path("m"),
        Path("o"),
        Options(True, 3, "linear", True, "beauty", True),
    )
    assert named == {
        "stage": Path("s"), "device": "cpu", "rendering": Resources(2, 5), "again": True,
        "exports": ["openpbr", "gltf"], "export_settings": None,
    }  # fmt: skip


def test_some_pictures_that_failed_are_1(run, capsys):
    outcome = prediction.Outcome([InputError("a.png: no picture")])
    assert run("a.png", "--model", "m", result=outcome) == 1
    assert "pictures that failed: 1" in capsys.readouterr().err


def test_a_page_that_failed_is_1_since_the_pictures_are_done(run, monkeypatch, capsys):
    def write(*arguments):
        raise InputError("p.html: can't be written")

    monkeypatch.setattr(view, "write_view", write)
    outcome = prediction.Outcome(records=[Path("a.json")])
    assert run("a.png", "--model", "m", "--page", "p.html", result=outcome) == 1
    assert capsys.readouterr().err == "ERROR p.html: can't be written\n"


def test_pictures_that_do_not_show_the_object_are_3(run):
    taken = prediction.Outcome(doubtful=[Path("a.png")])
    assert run("a.png", "--model", "m", "--any-silhouette", result=taken) == 3
    assert run("a.png", "--model", "m", "--accept-misfit", result=taken) == 0


def test_how_constants_are_found_is_refused_where_none_are(run, capsys):
    with pytest.raises(SystemExit) as stop:
        run("a.png", "--model", "m", "--config", "mine.yaml")
    assert stop.value.code == 2 and "--config: found it without --to" in capsys.readouterr().err


def test_a_stage_needs_no_model(run, capsys):
    assert run("a.png", "--stage", "s", "--refine") == 0
    assert run.calls[0][0][1] is None and run.calls[0][1]["stage"] == Path("s")
    with pytest.raises(SystemExit) as stop:
        run("a.png", "--stage", "s")
    assert stop.value.code == 2 and "--stage and --refine" in capsys.readouterr().err


def test_what_keeps_all_from_being_done_is_2_without_a_traceback(run, capsys):
    assert run("a.png", "--model", "m", result=raising(InputError("m: no such model"))) == 2
    assert capsys.readouterr().err == "ERROR m: no such model\n"


def test_a_mistake_of_the_programs_own_is_2_with_a_traceback(run, capsys):
    assert run("a.png", "--model", "m", result=raising(ZeroDivisionError("oh"))) == 2
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_its_number(run, number, capsys):
    before = signal.getsignal(number)

    def stop():
        os.kill(os.getpid(), number)

    assert run("a.png", "--model", "m", result=stop) == 128 + number
    assert "stopped by" in capsys.readouterr().err
    assert signal.getsignal(number) is before


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["a.png"], "required: --model"),
        (["--model", "m"], "required: IMAGE"),
        (["a.png", "--model", "m", "--alternatives", "2"], "without --refine"),
        (
            ["a.png", "--model", "m", "--refine", "--alternatives", "101"],
            "found '101', expected 0 to 100",
        ),
        (["a.png", "--model", "m", "--threads", "0"], "found '0', expected 1 to"),
        (["a.png", "--model", "m", "--render-device", "gpu"], "expected auto, cpu or a number"),
        (["a.png", "--model", "m", "--encoding", "gamma"], "invalid choice: 'gamma'"),
    ],
)
def test_wrong_options_are_2(run, capsys, arguments, message):
    with pytest.raises(SystemExit) as stop:
        run(*arguments)
    assert stop.value.code == 2 and not run.calls
    assert message in capsys.readouterr().err


def test_quiet_says_only_what_went_wrong(run, capsys):
    def say():
        logger.info("on the way")
        logger.error("ERROR a.png")
        return prediction.Outcome()

    run("a.png", "--model", "m", "--quiet", result=say)
    assert capsys.readouterr().err == "ERROR a.png\n"
    run("a.png", "--model", "m", result=say)
    assert capsys.readouterr().err == "on the way\nERROR a.png\n"


def test_as_a_module_it_helps_without_waiting_for_large_libraries():
    script = (
        "import runpy, sys; sys.argv = ['inverse-shading', *sys.argv[1:]]\n"
        "try: runpy.run_module('inverse_shading', run_name='__main__')\n"
        "except SystemExit as stop: print(stop.code, 'torch' in sys.modules, 'pandas' in sys.modules)"
    )
    for option, expected in (
        ("--version", f"inverse-shading {__version__}"),
        ("predict --help", "--refine"),
        ("stage --help", "--azimuth"),
        ("render --help", "--format"),
        ("export --help", "--to"),
        ("summary --help", "TABLE"),
        ("record --help", "RESULTS"),
        ("document --help", "RECORD"),
    ):
        done = subprocess.run(
            [sys.executable, "-c", script, *option.split()],
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT / "workflow")},
        )
        assert expected in done.stdout and done.stdout.endswith("0 False False\n"), done.stderr


@pytest.mark.parametrize(
    "given, threads",
    [({}, 1), ({"OPENBLAS_NUM_THREADS": "2"}, min(2, len(os.sched_getaffinity(0))))],
)
def test_numpy_leaves_the_cores_to_the_renderer_unless_told_otherwise(given, threads):
    script = (
        "from inverse_shading.command import main\n"
        "main(['summary', 'none.csv'])\n"
        "import numpy, threadpoolctl\n"
        "print({pool['num_threads'] for pool in threadpoolctl.threadpool_info()})"
    )
    variables = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    inherited = {key: value for key, value in os.environ.items() if key not in variables}
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env=inherited | {"PYTHONPATH": str(ROOT / "workflow")} | given,
    )
    assert done.stdout == f"{{{threads}}}\n", done.stderr


def test_summary_prints_a_comparison(run, tmp_path, capsys):
    row = {"model": "m", "source": "model", **dict.fromkeys(ERRORS, 0.02)}
    table = write_comparison(tmp_path / "comparison.csv", [row])
    assert main(["summary", str(table)]) == 0
    written = capsys.readouterr()
    assert (written.out, written.err) == (format_summary(table) + "\n", "")


def test_a_summary_of_no_table_is_2_without_a_traceback(run, tmp_path, capsys):
    assert main(["summary", str(tmp_path / "none.csv")]) == 2
    written = capsys.readouterr()
    assert written.out == "" and "none.csv" in written.err and "Traceback" not in written.err
    with pytest.raises(SystemExit) as stop:
        main(["summary"])
    assert stop.value.code == 2 and "required: TABLE" in capsys.readouterr().err


def test_a_record_is_written_and_a_document_of_it(run, tmp_path, capsys):
    results, record, output = (tmp_path / name for name in ("results", "record", "results.md"))
    write_results(results)
    (tmp_path / "mine.yaml").write_text("seeds: [1, 2]\n")
    given = ["--config", str(tmp_path / "mine.yaml"), "--pictures", str(tmp_path / "pictures")]
    assert main(["record", str(results), "--output", str(record), *given]) == 0
    assert main(["document", str(record), "--output", str(output)]) == 0
    assert "seeds: [1, 2]" in output.read_text()
    assert main(["document", str(results), "--output", str(output)]) == 2
    assert "inverse-shading record RESULTS" in capsys.readouterr().err
    shipped, benchmarks = Path(__file__).parents[2] / "docs", tmp_path / "benchmarks.md"
    given = ["--output", str(output), "--benchmarks", str(benchmarks)]
    assert main(["document", str(record), *given]) == 2
    assert "--keep FILE" in capsys.readouterr().err
    shutil.copytree(shipped / "record" / "benchmarks", record / "benchmarks")
    assert main(["document", str(record), *given]) == 0
    assert benchmarks.read_text() == (shipped / "benchmarks.md").read_text()
