#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the documents against the tree.

    snippets.py <repository>    prints one line for each broken rule; exit status 1 if there is any
    snippets.py --self-test     breaks every rule once in a temporary tree; exit status 1 if one goes unnoticed

Rules, for README.md, CHANGELOG.md and docs/**/*.md:
  1. a block of ```cpp or ```cuda stands word for word, apart from its indentation, in a file that the build compiles
  2. a relative link leads to a file, and its #fragment to a heading
  3. a path in backticks is there; it may leave out include/plait/, and stars stand for anything
  4. a test named after its file, `tests/x.cpp`: "its name", is in that file
  5. nothing names a folder of some machine
  6. the list in docs/status.md of what has not yet run on a GPU is the list of the sources that need one, and names
     the test cases that stand in them
"""

import pathlib
import re
import sys
import tempfile
import textwrap

COMPILED = ("examples", "tests", "docs/snippets")
SOURCES = (".hpp", ".cuh", ".cpp", ".cu")
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```[ \t]*$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
NAMED_TEST = re.compile(r'`(tests/[^`\n]+)`:\s+"([^"]+)"')
MACHINE = re.compile(r"(?<![\w.])/(?:work|home|root|tmp|Users|mnt|opt)\b")
PATH = re.compile(r"[\w.*+/-]+")
EXTENSIONS = "hpp cuh cpp cu py sh md cmake svg json in".split()
FOLDERS = "include tests docs examples bench scripts cmake .ci".split()
MARKER = re.compile(r"^\s*// \[[^\]\n]*\]\s*$")
TEST_CASE = re.compile(r'TEST_CASE\w*\(\s*"((?:[^"\\]|\\.)*)"')
NOT_RUN = "Not yet run on a GPU"


def documents(root):
    return [
        path
        for path in [root / "README.md", root / "CHANGELOG.md", *sorted((root / "docs").rglob("*.md"))]
        if path.exists()
    ]


def dedented(text):
    """The lines of a piece of code without the indentation that all share, and without markers."""
    lines = [line.rstrip() for line in text.expandtabs().split("\n") if not MARKER.match(line)]
    return textwrap.dedent("\n".join(lines)).strip("\n").split("\n")


def compiled_lines(root):
    """For each source that the build compiles, its lines without markers."""
    found = {}
    for folder in COMPILED:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in SOURCES:
                lines = path.read_text().expandtabs().split("\n")
                found[path] = [line.rstrip() for line in lines if not MARKER.match(line)]
    return found


def stands_in(block, lines):
    """Whether the lines of a block follow each other in a file, all moved by the same indentation."""
    first = next((line for line in block if line), "")
    for at, line in enumerate(lines):
        if not first or line.lstrip() != first.lstrip() or len(line) < len(first):
            continue
        shift = line[: len(line) - len(first)]
        if all(
            there == (shift + wanted if wanted else "")
            for there, wanted in zip(lines[at : at + len(block)] + ["\0"] * len(block), block)
        ):
            return True
    return False


def without_fences(text):
    """The prose alone, with as many lines."""
    return FENCE.sub(lambda found: "\n" * found.group(0).count("\n"), text)


def anchors(text):
    """The fragments of a document's headings, as code hosts make them."""
    titles = re.findall(r"^#+ (.+)$", without_fences(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def looks_like_path(code):
    if not PATH.fullmatch(code) or code.startswith(("/", "-", "*.", "build/", "http")) or "//" in code:
        return False
    name = code.rstrip("/").split("/")[-1]
    if "." in name.strip(".") and name.rsplit(".", 1)[-1] in EXTENSIONS:
        return True
    return "/" in code and code.split("/")[0] in FOLDERS


def is_there(root, document, code):
    places = [root, root / "include", root / "include" / "plait", document.parent]
    wanted = code.rstrip("/")
    if any(found for place in places for found in place.glob(wanted)):
        return True
    return "/" not in wanted and any(root.glob(f"*/**/{wanted}"))


def check_document(root, path, lines_of):
    """The broken rules 1 to 5 of one document."""
    text, where = path.read_text(), path.relative_to(root)
    for fence in FENCE.finditer(text):
        language, block = fence.group(1), dedented(fence.group(2))
        if language in ("cpp", "cuda", "c++", "cu") and not any(stands_in(block, lines) for lines in lines_of.values()):
            yield f"{where}:{line_of(text, fence.start())}: this code stands in no file that is compiled: {block[0]}"
    prose = without_fences(text)
    for link in LINK.finditer(prose):
        target, _, fragment = link.group(1).partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        there = (path.parent / target).resolve() if target else path
        if not there.exists():
            yield f"{where}:{line_of(prose, link.start())}: the link to {target} leads nowhere"
        elif fragment and there.suffix == ".md" and fragment not in anchors(there.read_text()):
            yield f"{where}:{line_of(prose, link.start())}: {target or where} has no heading #{fragment}"
    for code in CODE.finditer(prose):
        if looks_like_path(code.group(1)) and not is_there(root, path, code.group(1)):
            yield f"{where}:{line_of(prose, code.start())}: there is no {code.group(1)}"
    for test in NAMED_TEST.finditer(prose):
        name = " ".join(test.group(2).split())
        files = [one for one in root.glob(test.group(1)) if one.is_file()]
        if not any(name in joined_strings(one.read_text()) for one in files):
            yield f"{where}:{line_of(prose, test.start())}: {test.group(1)} has no test \"{name}\""
    for found in MACHINE.finditer(text):
        yield f"{where}:{line_of(text, found.start())}: it names a folder of some machine, {found.group(0)}"


def joined_strings(source):
    """A source in which string literals that follow each other are one, and names have single blanks."""
    return re.sub(r"\s+", " ", re.sub(r'"\s*\n\s*"', "", source))


def needs_gpu(root):
    """The sources that have a device side."""
    return {
        str(path.relative_to(root))
        for folder in ("include", "tests", "examples", "bench")
        for path in (root / folder).rglob("*")
        if path.suffix in (".cu", ".cuh")
    }


def check_status(root):
    """Rule 6."""
    path = root / "docs" / "status.md"
    section = re.search(rf"^## {NOT_RUN}\n(.*?)(?=^## |\Z)", path.read_text(), re.DOTALL | re.MULTILINE)
    if not section:
        yield f"docs/status.md: it has no section '{NOT_RUN}'"
        return
    listed = re.findall(r"^[-*|] `([^`]+)`", section.group(1), re.MULTILINE)
    for one in sorted(needs_gpu(root) - set(listed)):
        yield f"docs/status.md: '{NOT_RUN}' lacks - `{one}`"
    for one in sorted(set(listed) - needs_gpu(root)):
        yield f"docs/status.md: '{NOT_RUN}' lists {one}, which is not there"
    prose = " ".join(section.group(1).split())
    for one in sorted(needs_gpu(root) & set(listed)):
        for name in TEST_CASE.findall(joined_strings((root / one).read_text())):
            if f'"{name}"' not in prose:
                yield f"docs/status.md: '{NOT_RUN}' does not name the test \"{name}\" of {one}"
    for one in sorted({name for name in listed if listed.count(name) > 1}):
        yield f"docs/status.md: '{NOT_RUN}' lists {one} twice"


def check(root):
    lines_of = compiled_lines(root)
    broken = [fault for path in documents(root) for fault in check_document(root, path, lines_of)]
    return broken + list(check_status(root))


def self_test():
    """A tree that keeps every rule, and then breaks one at a time."""
    good = {
        "README.md": "[docs](docs/index.md#a-title) `core/a.hpp` `a.hpp` `tests/*/a.cpp`\n```cpp\nint a;\n\nint b;\n```\n"
        'see `tests/core/a.cpp`: "a law"\n',
        "docs/index.md": "# A title\n[up](../README.md)\n```cuda\nvoid run() {\n  work();\n}\n```\n",
        "docs/status.md": f'## {NOT_RUN}\n- `tests/core/a.cu`: "on a\n  device"\n## Other\n- `tests/core/a.cpp`\n',
        "include/plait/core/a.hpp": "",
        "tests/core/a.cpp": 'TEST_CASE("a law "\n          "in two lines") {\n  // [ab]\n  int a;\n\n  int b;\n  // [ab]\n}\n',
        "tests/core/a.cu": 'TEST_CASE("on a device")\nnamespace {\n  void run() {\n    work();\n  }\n}\n',
    }
    broken = [
        ("code that is not compiled", "README.md", "int b;", "int c;"),
        ("code that is indented otherwise", "docs/index.md", "  work();", "work();"),
        ("code that leaves a line out", "README.md", "int a;\n\nint b;", "int a;\nint b;"),
        ("a link that leads nowhere", "docs/index.md", "../README.md", "../READMI.md"),
        ("a fragment that is no heading", "README.md", "#a-title", "#another"),
        ("a path that is not there", "README.md", "core/a.hpp", "core/b.hpp"),
        ("a name that is not there", "README.md", "`a.hpp`", "`b.hpp`"),
        ("stars that stand for nothing", "README.md", "tests/*/a.cpp", "tests/*/b.cpp"),
        ("a test that is not there", "README.md", '"a law"', '"another law"'),
        ("a machine's folder", "docs/index.md", "# A title", "# A title\n/" "home/me"),
        ("a device source that is not listed", "docs/status.md", '- `tests/core/a.cu`: "on a\n  device"\n', ""),
        ("a listed source that is not there", "docs/status.md", "a.cu`", "b.cu`"),
        ("a source listed twice", "docs/status.md", "## Other", "- `tests/core/a.cu`\n## Other"),
        ("a device test that is not named", "docs/status.md", "on a\n", "on the\n"),
        ("a status without its section", "docs/status.md", NOT_RUN, "Something else"),
    ]
    unnoticed = []
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)

        def write(files):
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)

        write(good)
        if check(root):
            unnoticed.append("the tree that keeps every rule is refused: " + "; ".join(check(root)))
        for what, name, before, after in broken:
            assert before in good[name], what
            write({name: good[name].replace(before, after)})
            if not check(root):
                unnoticed.append(f"not noticed: {what}")
            write({name: good[name]})
    return unnoticed


def main():
    if sys.argv[1:] == ["--self-test"]:
        faults = self_test()
    elif len(sys.argv) == 2 and not sys.argv[1].startswith("-"):
        faults = check(pathlib.Path(sys.argv[1]).resolve())
    else:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
