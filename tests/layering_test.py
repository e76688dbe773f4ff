#!/usr/bin/env python3
"""Reads the #include lines of the tree and fails on an arrow that points the wrong way.

usage: layering_test.py SOURCE_DIR [BINARY...]

  base <- ir <- compiler <- ops <- runtime <- tools <- bench, examples, tests; bench <- tests
  - a file includes only files of its own folder, of folders to the left, and public headers
  - public headers (include/nestjit) include public headers and the standard library only
  - LLVM's headers appear in compiler/codegen and compiler/jit only; the rest of compiler/ does not
    include those two folders, whose library is loaded at run time
  - compiler/ never names an operation: no "conv" in its files
  - each BINARY has no libLLVM among the libraries it is linked with (ldd)
"""
import pathlib
import re
import subprocess
import sys

ORDER = ["base", "ir", "compiler", "ops", "runtime", "tools", "bench", "examples", "tests"]
LEAVES = ["examples", "tests"]  # nothing includes them but themselves
BEHIND_THE_DOOR = ("compiler/codegen/", "compiler/jit/")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')


def sources(root):
    for folder in ORDER + ["include"]:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".h", ".cpp"):
                yield path


def included(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match[1], match[2]


def may_include(user, used):
    """Whether a file of folder `user` may include one of folder `used`."""
    if user == used:
        return True
    if used == "bench":
        return user == "tests"
    return used not in LEAVES and ORDER.index(used) < ORDER.index(user)


def judge(name, bracket, target):
    """The rule that an #include breaks, or None."""
    folder = name.split("/")[0]
    first = target.split("/")[0]
    if target.startswith(("llvm/", "llvm-c/")) and not name.startswith(BEHIND_THE_DOOR):
        return "LLVM headers belong to compiler/codegen and compiler/jit"
    if folder == "include":
        standard = bracket == "<" and "/" not in target and not target.endswith(".h")
        return None if standard or first == "nestjit" else "a public header includes public headers and std only"
    if first in ORDER and not may_include(folder, first):
        return f"{folder} must not include {first}"
    if target.startswith(BEHIND_THE_DOOR) and not name.startswith(BEHIND_THE_DOOR):
        if folder != "tests":
            return "the code generator is loaded at run time, not included"
    return None


def check_includes(root):
    problems, count = [], 0
    for path in sources(root):
        name = str(path.relative_to(root))
        for number, bracket, target in included(path):
            count += 1
            rule = judge(name, bracket, target)
            if rule:
                problems.append(f"{name}:{number}: {target}: {rule}")
        if name.startswith("compiler/"):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if re.search(r"\bconv(_|olution|\b)", line, re.IGNORECASE):
                    problems.append(f"{name}:{number}: compiler/ never names an operation")
    if count < 50:
        problems.append(f"only {count} #include lines below {root}: is this the source folder?")
    return problems


def check_binary(binary):
    listing = subprocess.run(["ldd", binary], capture_output=True, text=True, check=True).stdout
    return [f"{binary} is linked with libLLVM"] if "libLLVM" in listing else []


def self_test():
    """The rules must refuse what they are for."""
    assert judge("ir/a.cpp", '"', "compiler/target.h")
    assert judge("base/a.cpp", '"', "ir/type.h")
    assert judge("runtime/a.cpp", '"', "tools/npy.h")
    assert judge("tools/a.cpp", '"', "bench/table.h")
    assert judge("examples/a.cpp", '"', "bench/table.h")
    assert judge("ops/conv/a.cpp", "<", "llvm/IR/Module.h")
    assert judge("compiler/pipeline.cpp", '"', "compiler/codegen/module.h")
    assert judge("include/nestjit/array.h", '"', "base/error.h")
    assert judge("include/nestjit/array.h", "<", "fmt/format.h")
    assert not judge("include/nestjit/array.h", "<", "vector")
    assert not judge("include/nestjit/array.h", '"', "nestjit/dtype.h")
    assert not judge("compiler/codegen/module.cpp", "<", "llvm/IR/Module.h")
    assert not judge("runtime/a.cpp", '"', "ops/conv/problem.h")
    assert not judge("tests/tools/a_test.cpp", '"', "bench/table.h")


def main():
    self_test()
    problems = check_includes(pathlib.Path(sys.argv[1]))
    for binary in sys.argv[2:]:
        problems += check_binary(binary)
    print("\n".join(problems) or "every arrow points the right way")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
