#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""plait's training benchmarks beside PyTorch's Python package, in turns in one run.

    torch_peers.py train_one_rank train_per_action [--repeat 5]

The two programs are those of Google Benchmark below <build>/bench/; PyTorch is what this Python imports (`pip install
torch`). One thread each, float32, on the host.

one rank: samples a second of a classifier of 784 numbers with four hidden layers, SGD with momentum: eager, and compiled
(`torch.compile`) where that works here. Each repetition times all of them one after another; medians of the ratios.

per action: 1F1B over two stages that hand on one number, 64 micro-batches, by torch.distributed.pipelining over gloo, each
rank a process; seconds of a step over the actions of plait's program for the same (passes, sends and receives).
Plait's ranks are threads, so the transports differ; `one rank` of plait's benchmark has none.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

SHAPES = [(32, 256), (256, 256), (256, 1024)]
FEATURES, CLASSES, MICRO = 784, 10, 64
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def classifier_rate(rows, width, compiled, seconds=2.0):
    """Samples a second of PyTorch."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(1)
    layers = [torch.nn.Linear(FEATURES, width), torch.nn.ReLU()]
    for _ in range(3):
        layers += [torch.nn.Linear(width, width), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers, torch.nn.Linear(width, CLASSES))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    x = torch.rand(rows, FEATURES) * 2 - 1
    labels = torch.randint(0, CLASSES, (rows,))
    forward = torch.compile(model) if compiled else model

    def step():
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(forward(x), labels)
        loss.backward()
        optimizer.step()
        return loss.item()

    for _ in range(3):
        step()
    steps, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        step()
        steps += 1
    return steps * rows / (time.perf_counter() - begin)


def pipelined_rank(rank, port):
    """One rank of the pipeline; rank 0 prints seconds a step."""
    import torch
    import torch.distributed as dist
    from torch.distributed.pipelining import PipelineStage, Schedule1F1B

    torch.set_num_threads(1)
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), RANK=str(rank), WORLD_SIZE="2")
    dist.init_process_group("gloo")

    class HandsOn(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.one = torch.nn.Parameter(torch.ones(1))  # a stage without parameters has no backward pass

        def forward(self, x):
            return x * self.one

    stage = PipelineStage(HandsOn(), rank, 2, torch.device("cpu"))
    schedule = Schedule1F1B(stage, MICRO, loss_fn=lambda output, target: ((output - target) ** 2).sum())
    x = torch.ones(MICRO, 1)
    steps, warm = 30, 5
    for i in range(steps + warm):
        if i == warm:
            dist.barrier()
            begin = time.perf_counter()
        schedule.step(x) if rank == 0 else schedule.step(target=x)
    dist.barrier()
    if rank == 0:
        print(json.dumps((time.perf_counter() - begin) / steps))
    dist.destroy_process_group()


def run_self(*arguments):
    return [sys.executable, os.path.abspath(__file__), *map(str, arguments)]


def of_torch(*arguments):
    found = subprocess.run(run_self(*arguments), env=ENVIRONMENT, capture_output=True, text=True)
    if found.returncode != 0:
        return None, found.stderr.strip().splitlines()[-1:]
    return json.loads(found.stdout.strip().splitlines()[-1]), None


def of_pipelining():
    port = 29000 + os.getpid() % 1000
    ranks = [
        subprocess.Popen(run_self("--pipelined", rank, port), env=ENVIRONMENT, stdout=subprocess.PIPE, text=True)
        for rank in (0, 1)
    ]
    said = [rank.communicate()[0] for rank in ranks]
    return json.loads(said[0].strip().splitlines()[-1]) if all(r.returncode == 0 for r in ranks) else None


def of_plait(program, name):
    found = subprocess.run(
        [program, f"--benchmark_filter={name}$", "--benchmark_format=json", "--benchmark_min_time=2"],
        env=ENVIRONMENT, check=True, capture_output=True, text=True,
    )
    return json.loads(found.stdout)["benchmarks"][0]


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("one_rank")
    options.add_argument("per_action")
    options.add_argument("--repeat", type=int, default=5)
    given = options.parse_args()
    import torch

    print(f"PyTorch {torch.__version__}, {given.repeat} repetitions; medians, least and largest\n")
    print("| one rank, rows x width | plait, samples/s | over eager | over compiled |\n| --- | --- | --- | --- |")
    for rows, width in SHAPES:
        ours, eager, compiled, why_not = [], [], [], None
        for _ in range(given.repeat):
            ours.append(of_plait(given.one_rank, f"plait_step/rows:{rows}/width:{width}/real_time")["samples/s"])
            eager.append(ours[-1] / of_torch("--rate", rows, width, 0)[0])
            if why_not is None:
                rate, why_not = of_torch("--rate", rows, width, 1)
                if rate is not None:
                    compiled.append(ours[-1] / rate)
        print(f"| {rows} x {width} | {statistics.median(ours):.0f} | {spread(eager)} | "
              f"{spread(compiled) if compiled else why_not} |", flush=True)

    ours, theirs, alone = [], [], []
    for _ in range(given.repeat):
        two = of_plait(given.per_action, "two_ranks/64/real_time")
        step = of_pipelining()
        if step is None:
            sys.exit("torch.distributed.pipelining did not run here")
        ours.append(1e6 * two["each"])
        theirs.append(1e6 * step / two["actions"])
        alone.append(1e6 * of_plait(given.per_action, "one_rank/64/real_time")["each"])
    print("\n| microseconds an action, empty layers | |\n| --- | --- |")
    print(f"| plait, one rank | {spread(alone)} |")
    print(f"| plait, two ranks as threads | {spread(ours)} |")
    print(f"| torch.distributed.pipelining, two ranks as processes over gloo | {spread(theirs)} |")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--rate"]:
        print(json.dumps(classifier_rate(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "1")))
    elif sys.argv[1:2] == ["--pipelined"]:
        pipelined_rank(int(sys.argv[2]), int(sys.argv[3]))
    else:
        main()
