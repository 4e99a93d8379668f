#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The small tools: pack-ramdisk, summary.py, check-headers, check-figures, fuzz."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "tests"))
sys.path.append(str(ROOT / "tests/start"))

import matrix  # noqa: E402
from tap import case, main  # noqa: E402

SCRIPTS = ROOT / "scripts"
BUILD = os.environ["CAVERN_BUILD"]


def run(*words):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)


def pack(folder, name, rows):
    output = Path(folder) / name
    done = run(SCRIPTS / "pack-ramdisk", "objcopy", output, *[word for row in rows for word in row])
    assert done.returncode == 0, done.stderr
    return output


@case
def matrix_has_every_pair_that_it_may():
    factors = {"a": [1, 2, 3], "b": [1, 2], "c": [1, 2, 3, 4], "d": [False, True]}
    without = {(("a", 3), ("d", True))}
    for seed in range(20):
        drawn = matrix.machines(factors, without, seed)
        assert drawn == matrix.machines(factors, without, seed)
        assert set().union(*map(matrix.pairs_of, drawn)) == set(matrix.all_pairs(factors)) - without
        assert len(drawn) < 20, drawn


@case
def ramdisk_is_the_same_for_the_same_files():
    with tempfile.TemporaryDirectory() as folder:
        text = Path(folder) / "text"
        text.write_text("hello\n")
        rows = [("etc/motd", text), ("a/b/c", text), ("top", text)]
        first = pack(folder, "one.tar", rows)
        text.touch()
        second = pack(folder, "two.tar", list(reversed(rows)))
        assert first.read_bytes() == second.read_bytes()
        with tarfile.open(first) as archive:
            assert archive.getnames() == ["a", "a/b", "a/b/c", "etc", "etc/motd", "top"], archive.getnames()
            assert archive.extractfile("etc/motd").read() == b"hello\n"
        assert first.read_bytes()[257:265] == b"ustar\x0000"


@case
def quick_tier_leaves_out_what_the_full_one_adds():
    """[TEST-1]"""
    quick, full = (
        set(run("meson", "test", "-C", BUILD, "--no-rebuild", "--list", "--setup", tier).stdout.splitlines())
        for tier in ("quick", "full")
    )
    assert quick and quick < full, (quick, full)
    assert full - quick == {name for name in full if "full" in name.split(" / ")[0]}, full - quick


@case
def tier_that_does_not_exist_is_refused():
    """[TEST-1]"""
    done = run(SCRIPTS / "test", "--quick")
    assert done.returncode == 1 and "usage" in done.stderr, done


def summary(*tests):
    """What summary.py makes of test programs: (result, what they print)."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as log:
        for result, text in tests:
            log.write(json.dumps({"result": result, "stdout": text}) + "\n")
        log.flush()
        done = run(sys.executable, SCRIPTS / "summary.py", log.name)
    return done.stdout, done.returncode


@case
def summary_counts_cases():
    """[TEST-2]"""
    protocol = "1..3\nok 1 - a\n# why\nok 2 - b\n"
    for tests, line, status in (
        ([("OK", protocol), ("OK", "no protocol")], "3 passed, 0 failed", 0),
        ([("FAIL", protocol + "not ok 3 - c\n")], "2 passed, 1 failed", 1),
        ([("OK", protocol + "ok 3 - c # SKIP no disk\n"), ("SKIP", "")], "2 passed, 0 failed, 2 skipped", 0),
        ([("FAIL", ""), ("TIMEOUT", "")], "0 passed, 2 failed", 1),
    ):
        assert summary(*tests) == (line + "\n", status), (tests, summary(*tests))


@case
def summary_counts_a_crash_as_a_failure():
    """[TEST-2]: all cases that were reported passed, and then the program broke off"""
    assert summary(("ERROR", "1..3\nok 1 - a\n")) == ("1 passed, 1 failed\n", 1)


@case
def summary_without_cases_fails():
    """[TEST-2]"""
    assert summary() == ("0 passed, 0 failed\n", 1)


@case
def figure_that_is_not_of_the_baseline_is_found_and_mended():
    """[PERF-FIGURES-1]"""
    figures = {"": "what", "nop": {"operation": "call", "goal": 90, "linux": 2000}, "odd": {"operation": "o"}}
    document = "| row | count | goal | why |\n| nop | 1,100 | 90 | it |\n| odd | 3 | – | is |\n"
    good = {
        "tests/bench/baseline.json": json.dumps({"rows": {"nop": 1100, "odd": 3}}),
        "tests/bench/baseline-4.json": json.dumps({"rows": {"nop": 1200}}),
        "tests/bench/figures.json": json.dumps(figures),
        "README.md": "| operation | Cavern | Linux | seL4 |\n| call | 1,100 | 2,000 | – |\n",
        "spec/performance.md": document + "\n| row | 1 CPU | 4 CPUs | why |\n| nop | 1,100 | 1,200 | |\n",
    }
    bad = {
        "README.md:2": ("1,100", "1,099"),
        "spec/performance.md:2": ("90", "91"),
        "spec/performance.md:6": ("1,200", "1"),
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, text in good.items():
            (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / name).write_text(text)
        words = SCRIPTS / "check-figures", "--root", folder
        assert run(*words).returncode == 0, run(*words).stdout
        for place, (right, wrong) in bad.items():
            name = place.split(":")[0]
            (Path(folder) / name).write_text(good[name].replace(right, wrong))
            done = run(*words)
            assert done.returncode == 1 and done.stdout.startswith(f"{place}: "), done.stdout
            assert run(*words, "--fix").returncode == 0 and (Path(folder) / name).read_text() == good[name]


@case
def header_that_needs_another_is_found():
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "good.h").write_text("#include <stddef.h>\nsize_t good(void);\n")
        words = [SCRIPTS / "check-headers", "cc", "-std=gnu11", "--", folder]
        assert run(*words).returncode == 0
        (Path(folder) / "bad.h").write_text("size_t bad(void);\n")
        done = run(*words)
        assert done.returncode != 0 and "bad.h" in done.stderr, done.stderr


FUZZED = """int printf(const char *, ...); void abort(void);
int LLVMFuzzerTestOneInput(const unsigned char *data, unsigned long size)
{ if (size == 3 && data[0] == 'B') abort(); return 0; }
"""


@case
def fuzz_names_the_input_of_a_finding():
    """[TEST-5]: in a tree with one target that fails, and nothing to build"""
    clang = shutil.which("clang")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        programs, corpus = root / "build/tests/fuzz", root / "tests/fuzz/corpus/planted"
        for each in (root / "scripts", programs, corpus):
            each.mkdir(parents=True)
        for name in ("fuzz", "lib.sh"):
            shutil.copy(SCRIPTS / name, root / "scripts" / name)
        (root / "scripts/build").write_text("#!/bin/sh\n")
        (root / "scripts/build").chmod(0o755)
        (root / "planted.c").write_text(FUZZED)
        (corpus / "seed").write_bytes(b"BA")
        built = run(clang or "clang", "-fsanitize=fuzzer,address", root / "planted.c", "-o", programs / "fuzz_planted")
        if built.returncode:
            return  # no libFuzzer here, so no targets either
        environment = {**os.environ, "CAVERN_BUILD": str(root / "build")}
        words = [str(root / "scripts/fuzz"), "planted"]
        done = subprocess.run(words + ["--seconds", "20"], capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 1 and done.stdout.startswith("planted: FINDING in "), done.stdout + done.stderr
        file = done.stdout.split("FINDING in ")[1].split(":")[0]
        assert len(Path(file).read_bytes()) == 3
        again = subprocess.run(words + ["--replay", file], capture_output=True, env=environment, check=False)
        assert again.returncode != 0
        good = subprocess.run(words + ["--replay", corpus / "seed"], capture_output=True, env=environment, check=False)
        assert good.returncode == 0


if __name__ == "__main__":
    main()
