#!/usr/bin/env python3
"""Runs a kernel under gdb or perf and looks for its name in what they print.

usage: seen_by_tools_test.py NESTJIT gdb|perf

Exit status 77, that is "skipped", where the tool is not installed, or where the system lets perf
measure nothing at all. What the files hold is tested without the tools, too.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

PROBLEM = "conv_transpose1d l=128 ci=512 co=256 k=16 s=8 p=4"
KERNEL = "nestjit::" + PROBLEM.replace(" ", "/")
SKIPPED = 77


def run(command, **settings):
    environment = {**os.environ, "NESTJIT_CACHE": "off", "DEBUGINFOD_URLS": "", **settings}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    return done.returncode, done.stdout + done.stderr


def expect(text, *parts):
    missing = [part for part in parts if part not in text]
    for part in missing:
        print(f"this is not in the output: {part}")
    if missing:
        print(text)
        sys.exit(1)


def see_with_gdb(nestjit, _):
    commands = ["set breakpoint pending on", f"break {KERNEL}/pack", f"break {KERNEL}", "run",
                "backtrace", "delete 1", "continue", "info symbol $pc", "backtrace", "stepi 40",
                "backtrace", "delete", "continue"]
    arguments = [part for command in commands for part in ("-ex", command)]
    _, text = run(["gdb", "-nx", "-batch", *arguments, "--args", nestjit, "run", PROBLEM,
                   "--threads", "1"], NESTJIT_PROFILE="gdb")
    expect(text, f"in {KERNEL}/pack ()", f"{KERNEL} in section .text", "exited normally")
    # From all three places, 40 instructions into the kernel included, main() is found.
    traces = text.count(" main (")
    if traces < 3:
        print(f"{traces} backtraces out of 3 reach main()\n{text}")
        sys.exit(1)


def see_with_perf(nestjit, folder):
    data, injected = os.path.join(folder, "perf.data"), os.path.join(folder, "perf.jit.data")
    status, text = run(["perf", "record", "-k", "mono", "-o", data, "true"])
    if status != 0:
        print(f"perf measures nothing here: {text}")
        sys.exit(SKIPPED)
    status, text = run(["perf", "record", "-k", "mono", "-F", "500", "--call-graph", "dwarf", "-o",
                        data, nestjit, "run", PROBLEM, "--threads", "1"],
                       NESTJIT_PROFILE="perf", NESTJIT_PROFILE_DIR=folder)
    assert status == 0, text
    status, text = run(["perf", "inject", "--jit", "-i", data, "-o", injected])
    assert status == 0, text
    _, text = run(["perf", "report", "-i", injected, "--stdio", "--sort", "symbol"])
    expect(text, KERNEL)
    _, text = run(["perf", "script", "-i", injected, "-F", "ip,sym"])
    innermost = [stack.split("\n")[0].split()[-1] for stack in re.split(r"\n\n+", text.strip())
                 if "::run_problem" in stack]
    if innermost and KERNEL not in innermost:  # perf can unwind, and does not here
        expect(text, "a stack from the kernel to run_problem()")


def main():
    nestjit, tool = sys.argv[1:]
    if shutil.which(tool) is None:
        print(f"{tool} is not installed")
        sys.exit(SKIPPED)
    with tempfile.TemporaryDirectory(prefix="nestjit-") as folder:
        {"gdb": see_with_gdb, "perf": see_with_perf}[tool](nestjit, folder)
    print(f"{tool} knows the kernel")


if __name__ == "__main__":
    main()
