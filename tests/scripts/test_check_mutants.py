#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""scripts/check-mutants on a tree of one function and one test: each outcome, and each entry that does not fit."""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "tests"))

from tap import case, main  # noqa: E402

TAG = re.compile(r"<([A-Z]+-[A-Z]+-\d)>")  # so that no tag of this file is taken for a citation
FILES = {
    "meson.build": "project('small', 'c')\nsubdir('tests/unit')\n",
    "tests/unit/meson.build": "executable('test_add', 'test_add.c', '../../kernel/core/add.c')\n",
    "kernel/core/add.c": "int add(int a, int b)\n{\n    int sum = a;\n    sum += b;\n    return sum;\n}\n",
    # Like a program of cmocka as far as check-mutants looks. A test's tags stand above it.
    "tests/unit/test_add.c": """#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int add(int a, int b);
/* <MEM-ADD-1> */
static void test_add_right(void **state)
{
    (void)state;
    if (add(0, 2) != 2)
        abort();
}

/* <MEM-ADD-2> */
static void test_add_left(void **state)
{
    (void)state;
    if (add(2, 0) != 2)
        abort();
}

int main(void)
{
    const char *only = getenv("CMOCKA_TEST_FILTER");
    if (!only || !strcmp(only, "test_add_right"))
        test_add_right(NULL);
    if (!only || !strcmp(only, "test_add_left"))
        test_add_left(NULL);
    puts("[==========] 1 test(s) run.");
    return 0;
}
""",
    "spec/memory.md": "- <MEM-ADD-1> Right.\n- <MEM-ADD-2> Left.\n",
}
LOST = "MEM-ADD-1: the right one is lost\nkernel/core/add.c\n-    sum += b;\n+    sum += 0;\n"


def check(entries, *words, **files):
    """Status and what it prints, for a tree with these entries."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, text in {**FILES, **files, "tests/mutants/some.txt": entries}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(TAG.sub(r"[\1]", text))
        subprocess.run(["git", "init", "-q", folder], check=True)
        words = [ROOT / "scripts/check-mutants", "--root", folder, *words]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MESON")}
        done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False)
        assert not done.stderr, done.stderr
        return done.returncode, done.stdout


@case
def mutant_is_caught_by_a_test_of_its_clause():
    """[TEST-7]"""
    status, text = check("# A comment.\n\n" + LOST)
    assert status == 0, text
    assert "ok 1 - MEM-ADD-1: the right one is lost (caught, unit/add: test_add_right)\n" in text, text
    assert "# 1 caught, 0 survive with a reason, 0 wrong\n" in text, text


@case
def mutant_that_survives_fails_unless_it_is_explained():
    """[TEST-7]: what another clause's test would catch counts as survived"""
    other = LOST.replace("MEM-ADD-1", "MEM-ADD-2")
    explained = other.replace("lost", "gone") + "survives: nobody adds\n"
    needless = LOST + "survives: not so\n"
    broken = LOST.replace("lost", "broken").replace("sum += 0;", "sum +=;")
    status, text = check("\n".join([other, explained, needless, broken]))
    assert status == 1, text
    assert "not ok 1 - MEM-ADD-2: the right one is lost (survived)" in text, text
    assert "\nok 2 - MEM-ADD-2: the right one is gone (survives: nobody adds)" in text, text
    assert "not ok 3 - MEM-ADD-1: the right one is lost (is caught after all)" in text, text
    assert "not ok 4 - MEM-ADD-1: the right one is broken (does not build)" in text, text
    assert "# 0 caught, 1 survive with a reason, 3 wrong\n" in text, text


@case
def entries_that_do_not_fit_are_found():
    """[TEST-7]"""
    for entries, what in (
        (LOST, ""),
        (LOST.replace("-    sum += b;", "-    sum -= b;"), "its text stands 0 times in kernel/core/add.c"),
        (LOST.replace("-    sum += b;", "-sum"), "its text stands 3 times in kernel/core/add.c"),
        (LOST.replace("MEM-ADD-1", "MEM-ADD-3"), "no such clause"),
        (LOST + "tests: unit/other\n", "unit/other does not cite the clause"),
        (LOST + "\n" + LOST, "stands there 2 times"),
    ):
        status, text = check(entries, "--entries")
        assert status == (1 if what else 0) and what in text, (entries, text)
    more = {"spec/abi.md": "- <ABI-NEW-1> Nobody tests it.\n"}
    assert "ABI-NEW: no mutant breaks a clause of this group" in check(LOST, "--entries", **more)[1]
    assert "no test cites the clause" in check(LOST.replace("MEM-ADD-1", "ABI-NEW-1"), "--entries", **more)[1]


if __name__ == "__main__":
    main()
