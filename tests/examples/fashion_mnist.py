#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the program fashion_mnist on a small data set of its own: every layout gives the losses of one rank, the JSON holds
what it should, a run that is stopped and resumed is the same, and bad input ends with one sentence and exit status 2.

    fashion_mnist.py PROGRAM
"""

import json
import random
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = sys.argv[1]
FAILURES = []


def check(condition, what):
    if not condition:
        FAILURES.append(what)
        print("failed:", what)


def run(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=300)


def write_idx(path, extents, data):
    path.write_bytes(struct.pack(">HBB", 0, 8, len(extents)) + struct.pack(f">{len(extents)}I", *extents) + bytes(data))


def make_data(folder):
    """Ten classes of pictures: a bright bar whose place is the class, in noise."""
    draw = random.Random(7)
    for name, count in (("train", 600), ("t10k", 90)):
        labels = [draw.randrange(10) for _ in range(count)]
        pixels = bytearray()
        for label in labels:
            picture = bytearray(draw.randrange(60) for _ in range(784))
            for column in range(28):
                picture[(2 * label + 3) * 28 + column] = 200 + draw.randrange(50)
            pixels += picture
        write_idx(folder / f"{name}-images-idx3-ubyte", (count, 28, 28), pixels)
        write_idx(folder / f"{name}-labels-idx1-ubyte", (count,), labels)


def json_of(folder, out, layout, *more):
    file = out / f"{layout}.json"
    done = run("--data", folder, "--layout", layout, "--batch", 60, "--epochs", 3, "--json", file, *more)
    check(done.returncode == 0, f"{layout} {more} ends with 0: {done.stderr[-500:]}")
    return json.loads(file.read_text())


def layouts_agree(folder, out):
    listed = run("--list-layouts")
    names = [line.split()[0] for line in listed.stdout.splitlines()]
    for wanted in ("serial", "data4", "tensor4", "pipeline4", "data2_tensor2_pipeline2", "pipeline2_interleaved2",
                   "pipeline4_gpipe"):
        check(wanted in names, f"--list-layouts names {wanted}")
    one = json_of(folder, out, "serial", "--dtype", "f64", "--micro", 1)
    check(one["losses"][-1] < 0.5 * one["losses"][0], "one rank learns")
    check(one["test_accuracy"][-1] > 0.9, "one rank learns to tell the bars apart")
    for name in names:
        many = json_of(folder, out, name, "--dtype", "f64", "--micro", 4)
        worst = max(abs(a - b) / abs(b) for a, b in zip(many["losses"], one["losses"]))
        check(len(many["losses"]) == 30 and worst < 1e-9, f"{name} has the losses of one rank: apart by {worst}")
        check(many["test_accuracy"] == one["test_accuracy"], f"{name} has the accuracy of one rank")
        check(many["layout"] == name and many["ranks"] == len(many["memory_bytes"]), f"{name} says what it is")
        for rank in many["memory_bytes"]:
            check(rank["predicted"] == rank["measured"], f"{name}: the memory of rank {rank['rank']} is as predicted")
            check(rank["measured"]["weights"] > 0 or "pipeline" in name, f"{name}: a rank has weights")
        check(many["step_seconds"]["measured"] > 0 and many["step_seconds"]["predicted"] > 0, f"{name}: step times")
        check(0 <= many["bubble"]["predicted"] < 1 and 0 <= many["bubble"]["measured"] < 1, f"{name}: bubbles are shares")
        check(many["samples_per_second"] > 0 and many["seconds_to_target"] is None, f"{name}: speed, and no target")
    # Cutting the pipeline changes no sum, so not a bit of the model.
    cut = json_of(folder, out, "pipeline4", "--dtype", "f64", "--micro", 4)
    whole = json_of(folder, out, "serial", "--dtype", "f64", "--micro", 4)
    check(cut["losses"] == whole["losses"] and cut["parameters_digest"] == whole["parameters_digest"],
          "a pipeline has the losses and the digest of one rank with as many micro-batches, to the bit")
    again = json_of(folder, out, "data2_tensor2_pipeline2", "--micro", 4)
    twice = json_of(folder, out, "data2_tensor2_pipeline2", "--micro", 4)
    check(again["losses"] == twice["losses"] and again["parameters_digest"] == twice["parameters_digest"],
          "the same run twice is equal to the bit")
    other = json_of(folder, out, "data2_tensor2_pipeline2", "--micro", 4, "--seed", 2)
    check(other["parameters_digest"] != twice["parameters_digest"], "another seed trains another model")


def options_work(folder, out):
    stopped = json_of(folder, out, "data2", "--target", 0.5)
    check(stopped["seconds_to_target"] is not None and stopped["seconds_to_target"] > 0, "--target gives the time to it")
    check(len(json_of(folder, out, "data2", "--steps", 7)["losses"]) == 7, "--steps stops after so many")
    for ending, word in (("svg", "<svg"), ("json", "traceEvents")):
        file = out / f"timeline.{ending}"
        done = run("--data", folder, "--layout", "pipeline2", "--batch", 60, "--epochs", 3, "--timeline", file)
        check(done.returncode == 0 and word in file.read_text(), f"--timeline writes {ending}")
    compared = run("--data", folder, "--layout", "data2_tensor2_pipeline2", "--batch", 60, "--epochs", 3, "--compare-serial")
    check(compared.returncode == 0 and "agree to" in compared.stdout, "--compare-serial shows that the losses agree")


def runs_stop_and_resume(folder, out):
    """30 steps in one run, and in two and three, under the same layout and under others."""
    saved = out / "checkpoints"
    names = lambda: sorted(path.name for path in saved.iterdir())

    def part(layout, *more):
        return json_of(folder, out, layout, "--dtype", "f64", "--micro", 4, "--checkpoint", saved, *more)

    layout = "data2_tensor2_pipeline2"
    whole = json_of(folder, out, layout, "--dtype", "f64", "--micro", 4)
    first = part(layout, "--steps", 13)
    check(names() == ["step-00000013"] and first["losses"] == whole["losses"][:13], "a run stops after 13 steps")
    second = part(layout, "--resume", "--steps", 20)
    check(second["first_step"] == 13 and second["losses"] == whole["losses"][13:20], "it goes on where it was, to the bit")
    third = part(layout, "--resume", "--checkpoint-every", 3)
    check(third["losses"] == whole["losses"][20:], "and again, through the end of an epoch")
    check(third["parameters_digest"] == whole["parameters_digest"], "to the same parameters, to the bit")
    check(third["test_accuracy"][-1] == whole["test_accuracy"][-1], "and the same accuracy")
    check(names() == ["step-00000024", "step-00000027", "step-00000030"], f"the newest three are kept: {names()}")
    for name in ("step-00000027", "step-00000030"):
        for file in (saved / name).iterdir():
            file.unlink()
        (saved / name).rmdir()
    moved = part("pipeline4_gpipe", "--resume")
    worst = max(abs(a - b) / abs(b) for a, b in zip(moved["losses"], whole["losses"][24:]))
    check(len(moved["losses"]) == 6 and worst < 1e-9, f"another layout goes on as well: apart by {worst}")

    def refused(words, *arguments):
        usual = {"--batch": 60, "--dtype": "f64"}
        given = [word for pair in usual.items() if pair[0] not in arguments for word in pair]
        done = run("--data", folder, "--layout", "data2", *given, *arguments)
        check(done.returncode == 2 and words in done.stderr, f"{arguments} says '{words}': {done.stderr}")

    refused("need --checkpoint", "--resume")
    refused("need --checkpoint", "--checkpoint-every", 5)
    refused("no checkpoint in", "--checkpoint", out / "empty", "--resume")
    refused("give more --epochs or --steps", "--checkpoint", saved, "--resume", "--epochs", 3)
    refused("the seed of the order is", "--checkpoint", saved, "--resume", "--seed", 2)
    refused("samples of a global batch are", "--checkpoint", saved, "--resume", "--batch", 30)
    refused("was saved in f64", "--checkpoint", saved, "--resume", "--dtype", "f32")
    shard = next((saved / "step-00000030").glob("*.safetensors"))
    shard.write_bytes(shard.read_bytes()[:-1])
    refused(str(shard), "--checkpoint", saved, "--resume", "--epochs", 4)
    manifest = saved / "step-00000030" / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"steps": 30', '"steps": 29'))
    refused("manifest.json is corrupted", "--checkpoint", saved, "--resume", "--epochs", 4)


def bad_input_is_explained(folder, out):
    def refused(words, *arguments):
        done = run(*arguments)
        sentence = done.stderr.strip()
        check(done.returncode == 2, f"{arguments} ends with 2, not {done.returncode}")
        check(words in sentence and len(sentence.splitlines()) <= 4, f"{arguments} says '{words}': {sentence}")

    refused("no layout is named bogus", "--layout", "bogus")
    refused("--space", "--space", "moon")
    refused("--dtype", "--dtype", "f16")
    refused("--graph is for --space cuda", "--graph", "--layout", "serial")
    refused("--micro", "--micro", "many")
    refused("--micro and --batch are at least 1", "--data", folder, "--batch", 60, "--micro", 0)
    refused("larger than the data set", "--data", folder, "--batch", 601)
    refused(".svg or .json", "--timeline", "picture.png")
    refused("--target", "--target", "88")
    refused(str(out / "nowhere"), "--data", out / "nowhere")
    for name, change, words in (
        ("truncated", lambda data: data[:5000], "bytes"),
        ("foreign", lambda data: b"PNG!" + data[4:], "must start with bytes 00 00"),
        ("empty", lambda data: b"", "byte"),
    ):
        spoilt = out / name
        spoilt.mkdir()
        for file in folder.iterdir():
            (spoilt / file.name).write_bytes(file.read_bytes())
        images = spoilt / "train-images-idx3-ubyte"
        images.write_bytes(change(images.read_bytes()))
        refused(words, "--data", spoilt)


def main():
    with tempfile.TemporaryDirectory() as scratch:
        folder, out = Path(scratch) / "data", Path(scratch) / "out"
        folder.mkdir()
        out.mkdir()
        make_data(folder)
        layouts_agree(folder, out)
        options_work(folder, out)
        runs_stop_and_resume(folder, out)
        bad_input_is_explained(folder, out)
    print(f"{len(FAILURES)} failures")
    return 1 if FAILURES else 0


if __name__ == "__main__":
    sys.exit(main())
