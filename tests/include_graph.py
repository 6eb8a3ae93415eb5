#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Walks the includes of include/plait and says where they break the picture of the folders.

    include_graph.py <repository>    prints one line for each broken rule; exit status 1 if there is any
    include_graph.py --self-test     breaks every rule once in a temporary tree; exit status 1 if one goes unnoticed
"""

import pathlib
import re
import sys
import tempfile

# What each folder stands on. It may include these, whatever they stand on, and itself.
STANDS_ON = {
    "core": [],
    # the deciding half
    "mesh": ["core"],
    "schedule": ["mesh"],
    "timeline": ["schedule"],
    "cost": ["timeline"],
    "solve": ["core"],
    "plan": ["cost", "solve"],
    "alloc": ["cost", "solve"],
    # the running half
    "tensor": ["core"],
    "launch": ["core"],
    "comm": ["mesh", "tensor", "launch"],
    "kernels": ["tensor"],
    "layers": ["kernels", "comm"],
    "model": ["layers"],
    "optim": ["model", "comm"],
    "data": ["kernels"],
    "checkpoint": ["tensor"],
    "metrics": ["timeline"],
    # the meeting point
    "train": ["plan", "alloc", "model", "optim", "data", "checkpoint", "comm", "metrics"],
}
DECIDING = ["core", "mesh", "schedule", "timeline", "cost", "solve", "plan", "alloc"]

THREADS = set("thread mutex shared_mutex condition_variable future barrier latch semaphore stop_token".split())
CUDA = re.compile(r"^(cuda|cublas|cudnn|nccl|nvtx|cub/|thrust/|cooperative_groups|mma\.h)")
WIDE = re.compile(r"^(thrust/|cub/cub\.cuh$)")  # headers that cost more to compile than all of plait
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
LICENSE = "SPDX-License-Identifier: Apache-2.0"


def below(folder):
    """Every folder that `folder` may include, itself among them."""
    found, waiting = set(), [folder]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += STANDS_ON[one]
    return found


def folder_of(header):
    """`mesh` for plait/mesh/axis.hpp; nothing for an umbrella such as plait/plan.hpp."""
    parts = header.split("/")
    return parts[1] if len(parts) > 2 else ""


def includes_of(root):
    """For each header below include/, as one writes it in an include: the headers it includes, with their brackets."""
    return {
        str(path.relative_to(root / "include")): INCLUDE.findall(COMMENT.sub("", path.read_text()))
        for path in sorted((root / "include").rglob("*"))
        if path.suffix in (".hpp", ".cuh")
    }


def reached_from(header, includes):
    """Every header that `header` includes, through whatever headers of plait."""
    found, waiting = set(), [header]
    while waiting:
        for _, name in includes.get(waiting.pop(), []):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found


def cycle_in(includes):
    """One cycle among the headers, as a list of names, or nothing."""
    done, path = set(), []

    def visit(header):
        if header in path:
            return path[path.index(header) :] + [header]
        if header not in done:
            path.append(header)
            for _, name in includes.get(header, []):
                if found := visit(name):
                    return found
            path.pop()
            done.add(header)
        return None

    for header in includes:
        if found := visit(header):
            return found
    return None


def broken_rules(root):
    includes = includes_of(root)
    for header, named in includes.items():
        folder = folder_of(header)
        text = (root / "include" / header).read_text()
        if not text.startswith("// " + LICENSE + "\n"):
            yield f"{header}: the first line is not `// {LICENSE}`"
        if "\n#pragma once\n" not in text:
            yield f"{header}: there is no `#pragma once`"
        if folder and folder not in STANDS_ON:
            yield f"{header}: tests/include_graph.py does not know what the folder {folder} stands on; add it there"
            continue
        for bracket, name in named:
            if bracket == '"':
                yield f'{header}: includes "{name}"; write it as <plait/...>'
            elif name.startswith("plait/"):
                target = folder_of(name)
                if name not in includes:
                    yield f"{header}: includes <{name}>, which does not exist"
                elif folder and not target:
                    yield f"{header}: includes the umbrella <{name}>; include the headers it uses"
                elif folder and target in STANDS_ON and target not in below(folder):
                    yield f"{header}: includes <{name}>, but {folder} does not stand on {target}"
                if header.endswith(".hpp") and name.endswith(".cuh"):
                    yield f"{header}: includes <{name}>, which needs nvcc"
            elif folder in DECIDING and CUDA.match(name):
                yield f"{header}: includes <{name}>, but the deciding half needs no CUDA"
            elif folder in DECIDING and name in THREADS:
                yield f"{header}: includes <{name}>, but the deciding half knows no threads"
        if not folder:
            reached = reached_from(header, includes)
            for name in sorted(reached):
                if WIDE.match(name):
                    yield f"{header}: reaches <{name}>, which costs more to compile than all of plait"
                if header == "plait/plan.hpp" and name.startswith("plait/") and folder_of(name) not in DECIDING + [""]:
                    yield f"{header}: reaches <{name}>, which is not of the deciding half"
    if cycle := cycle_in(includes):
        yield "a cycle of includes: " + " -> ".join(cycle)
    yield from files_without_license(root)


def files_without_license(root):
    """Sources outside include/ say their license in one of the first three lines, after `#!` or `// expect:`."""
    kinds = {".cpp", ".cu", ".hpp", ".cuh", ".py", ".sh", ".cmake", ".in"}
    for folder in ("tests", "examples", "bench", "cmake", "scripts", "docs"):
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and (path.suffix in kinds or path.name == "CMakeLists.txt"):
                if not any(LICENSE in line for line in path.read_text().split("\n")[:3]):
                    yield f"{path.relative_to(root)}: none of the first three lines says `{LICENSE}`"


def self_test():
    head = f"// {LICENSE}\n#pragma once\n"
    good = {
        "include/plait/plait.hpp": head + "#include <plait/plan.hpp>\n#include <plait/train/trainer.hpp>\n",
        "include/plait/plan.hpp": head + "#include <plait/schedule/gpipe.hpp>\n",
        "include/plait/core/error.hpp": head + "#include <string>\n/* #include <thread> */\n// #include <mutex>\n",
        "include/plait/mesh/axis.hpp": head + "#include <plait/core/error.hpp>\n",
        "include/plait/schedule/gpipe.hpp": head + "#include <plait/core/error.hpp>\n",
        "include/plait/tensor/view.hpp": head + "#include <plait/core/error.hpp>\n",
        "include/plait/comm/threads.hpp": head + "#include <plait/mesh/axis.hpp>\n#include <thread>\n",
        "include/plait/kernels/add.cuh": head + "#include <plait/tensor/view.hpp>\n#include <cuda_runtime.h>\n",
        "include/plait/train/trainer.hpp": head + "#include <plait/comm/threads.hpp>\n",
        "tests/mesh/axis.cpp": f"// expect: words\n// {LICENSE}\n",
        "scripts/test.sh": f"#!/usr/bin/env bash\n# {LICENSE}\n",
    }
    # Each: the file to change, what it then holds, words of the report.
    changes = [
        ("include/plait/core/error.hpp", head + "#include <plait/mesh/axis.hpp>\n", "core does not stand on mesh"),
        ("include/plait/core/error.hpp", head + "#include <plait/mesh/axis.hpp>\n", "a cycle of includes"),
        ("include/plait/mesh/axis.hpp", head + "#include <plait/tensor/view.hpp>\n", "mesh does not stand on tensor"),
        ("include/plait/schedule/gpipe.hpp", head + "#include <plait/comm/threads.hpp>\n", "does not stand on comm"),
        ("include/plait/plan.hpp", head + "#include <plait/comm/threads.hpp>\n", "is not of the deciding half"),
        ("include/plait/tensor/view.hpp", head + "#include <plait/mesh/axis.hpp>\n", "tensor does not stand on mesh"),
        ("include/plait/comm/threads.hpp", head + "#include <plait/train/trainer.hpp>\n", "does not stand on train"),
        ("include/plait/mesh/axis.hpp", head + "#  include <cuda_runtime.h>\n", "needs no CUDA"),
        ("include/plait/mesh/axis.hpp", head + "#include <thread>\n", "knows no threads"),
        ("include/plait/comm/threads.hpp", head + "#include <plait/kernels/add.cuh>\n", "which needs nvcc"),
        ("include/plait/comm/threads.hpp", head + "#include <thrust/reduce.h>\n", "reaches <thrust/reduce.h>"),
        ("include/plait/comm/threads.hpp", head + "#include <cub/cub.cuh>\n", "plait/plait.hpp: reaches <cub/cub.cuh>"),
        ("include/plait/train/trainer.hpp", head + "#include <plait/plan.hpp>\n", "includes the umbrella"),
        ("include/plait/train/trainer.hpp", head + '#include "trainer.hpp"\n', "write it as <plait/...>"),
        ("include/plait/train/trainer.hpp", head + "#include <plait/train/step.hpp>\n", "which does not exist"),
        ("include/plait/elsewhere/it.hpp", head, "what the folder elsewhere stands on"),
        ("include/plait/core/error.hpp", f"// {LICENSE}\n", "there is no `#pragma once`"),
        ("include/plait/core/error.hpp", "#pragma once\n" + head, "the first line is not"),
        ("tests/mesh/axis.cpp", "int x;\n", "tests/mesh/axis.cpp: none of the first three lines"),
        ("scripts/test.sh", "#!/usr/bin/env bash\n", "scripts/test.sh: none of the first three lines"),
    ]

    def reports(files):
        with tempfile.TemporaryDirectory() as name:
            root = pathlib.Path(name)
            for path, text in files.items():
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text(text)
            return list(broken_rules(root))

    failures = [f"a good tree is reported: {line}" for line in reports(good)]
    for path, text, words in changes:
        if not any(words in line for line in reports(good | {path: text})):
            failures.append(f"not reported when {path} changes: {words}")
    return failures


def main(arguments):
    if len(arguments) != 1:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    if arguments[0] == "--self-test":
        lines = self_test()
    else:
        root = pathlib.Path(arguments[0])
        if not (root / "include" / "plait").is_dir():
            print(f"include_graph.py: {root} has no include/plait; name the repository", file=sys.stderr)
            return 2
        lines = list(broken_rules(root))
    for line in lines:
        print(line)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
