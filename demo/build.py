"""Makes the demo data. `python build.py` writes data/, `--runs N` stops after N runs, `--golden` only recomputes the
golden measures of the runs that are there."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: timings of one core, and the same result everywhere
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
import shutil
import time
from pathlib import Path

import datasets
import flows
import golden
import runs
import tasks

HERE = Path(__file__).parent


def write_json(path: Path, content: dict, depth: int) -> None:
    """JSON with a line for every entry down to `depth`, so that changes can be read in a diff."""
    def render(value, level):
        if isinstance(value, dict) and level < depth:
            inner = ",\n".join(f"{json.dumps(str(k))}: {render(v, level + 1)}" for k, v in value.items())
            return "{\n" + inner + "\n}"
        return json.dumps(value)

    path.write_text(render(content, 0) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE / "data", help="folder to write (replaced)")
    parser.add_argument("--runs", type=int, default=None, help="make only so many runs")
    parser.add_argument("--golden", action="store_true", help="only recompute golden.json")
    arguments = parser.parse_args()
    started = time.perf_counter()

    def say(text):
        print(f"{time.perf_counter() - started:7.1f} s  {text}", flush=True)

    out = arguments.out
    if arguments.golden:
        write_golden(out)
        return
    unfinished = out.with_name(out.name + ".new")
    shutil.rmtree(unfinished, ignore_errors=True)
    all_datasets = datasets.load()
    for dataset in all_datasets.values():
        datasets.write(dataset, unfinished / "data" / str(dataset.id))
    say(f"{len(all_datasets)} datasets")
    all_tasks = tasks.load(all_datasets)
    for task in all_tasks:
        tasks.write(task, unfinished / "task" / str(task.id))
    say(f"{len(all_tasks)} tasks")
    all_flows = flows.make()
    for flow in all_flows:
        flows.write(flow, unfinished / "flow" / str(flow.id))
    say(f"{len(all_flows)} flows")
    plans, replay = runs.plan(all_tasks, all_flows)
    if arguments.runs is not None:
        plans, replay = plans[:arguments.runs], []
    for p in plans:
        before = time.perf_counter()
        runs.make(p, unfinished / "run" / str(p.id))
        say(f"run {p.id} of {len(plans)}: task {p.task.id} ({p.task.dataset.name}), flow {p.flow.id} "
            f"({p.flow.title}) {p.values}, {time.perf_counter() - before:.1f} s")
    write_json(unfinished / "demo.json", {
        "format": 1, "datasets": len(all_datasets), "tasks": len(all_tasks), "flows": len(all_flows),
        "runs": len(plans), "uploaders": runs.UPLOADERS, "replay": replay}, 1)
    write_golden(unfinished)
    shutil.rmtree(out, ignore_errors=True)
    unfinished.rename(out)
    say("done")


def write_golden(out: Path) -> None:
    folders = sorted((out / "run").iterdir(), key=lambda folder: int(folder.name))
    measured = {folder.name: golden.measure(folder / "predictions.arff") for folder in folders}
    write_json(out.parent / "golden.json", {"definitions": golden.DEFINITIONS, "runs": measured}, 2)


if __name__ == "__main__":
    main()
