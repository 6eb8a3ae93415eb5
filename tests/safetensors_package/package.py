#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Reads with the Python package safetensors what plait wrote, and the other way round.

    package.py PROGRAM    the program is safetensors_files.cpp
"""

import json
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import numpy
import safetensors
import safetensors.numpy

PROGRAM = sys.argv[1]


def run(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, check=True).stdout


def expected(name, shape):
    count = int(numpy.prod(shape))
    return (1000 * 7 + 100 * len(name) + numpy.arange(count, dtype=numpy.float32)).reshape(shape)


def package_reads_plait(folder):
    run("write", folder)
    checkpoint = folder / "step-00000007"
    manifest = json.loads((checkpoint / "manifest.json").read_text())
    assert manifest["state"] == {"steps": 7}
    tensors, filled = {}, {}
    for shard in manifest["shards"]:
        path = checkpoint / shard["file"]
        assert path.stat().st_size == shard["bytes"]
        with safetensors.safe_open(path, framework="numpy") as file:
            for name in file.keys():
                piece, place = file.get_tensor(name), json.loads(file.metadata()["piece:" + name])
                assert f"{zlib.crc32(piece.tobytes()):08x}" == place["crc32"], name
                whole = tensors.setdefault(name, numpy.zeros(place["shape"], piece.dtype))
                where = tuple(slice(o, o + e) for o, e in zip(place["offset"], piece.shape))
                whole[where] = piece
                filled[name] = filled.get(name, 0) + piece.size
    assert sorted(tensors) == ["parted", "whole"]
    for name, whole in tensors.items():
        assert filled[name] == whole.size and numpy.array_equal(whole, expected(name, whole.shape)), name
    exported = safetensors.numpy.load_file(folder / "export.safetensors")
    assert sorted(exported) == ["parted", "whole"]
    for name, whole in exported.items():
        assert whole.dtype == numpy.float32 and numpy.array_equal(whole, tensors[name]), name


def plait_reads_package(folder):
    path = folder / "package.safetensors"
    draw = numpy.random.default_rng(1)
    tensors = {
        "a": draw.standard_normal((3, 5)).astype(numpy.float32),
        "b.\u00e4 \"quoted\"": draw.standard_normal((2, 1, 4)),
        "c": numpy.arange(7, dtype=numpy.int64),
        "d": draw.standard_normal((9,)).astype(numpy.float16),
        "e": numpy.zeros((0, 3), dtype=numpy.float32),
        "f": numpy.array(2.5),
    }
    safetensors.numpy.save_file(tensors, path, metadata={"format": "np", "text": "line\n\u20ac"})
    found = json.loads(run("read", path))
    types = {"float32": "F32", "float64": "F64", "int64": "I64", "float16": "F16"}
    assert found == {
        name: {"dtype": types[str(one.dtype)], "shape": list(one.shape), "crc32": f"{zlib.crc32(one.tobytes()):08x}"}
        for name, one in tensors.items()
    }, found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        package_reads_plait(Path(scratch))
        plait_reads_package(Path(scratch))
    print("safetensors", safetensors.__version__, "and plait read each other's files")
