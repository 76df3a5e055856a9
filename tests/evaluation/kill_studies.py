"""Starts studies in processes of their own and kills them; run by test_hardening.py."""

from __future__ import annotations

import os
import random
import signal
import sys
import time

from evaluation.study_tables import make_table

from eegtl.evaluation import run_study

SETTINGS = {"methods": ["kpca (linear)"], "n_shuffles": 2, "tune": "source"}


def study(out, *, if_exists="error", progress=None):
    table = make_table(n_subjects=3, n_windows=4)
    return run_study(table, **SETTINGS, out=out, if_exists=if_exists, progress=progress)


def start_and_kill(out, n_folds, delay):
    """Fork a study, kill it some time after so many folds, and give how many it had finished."""
    receive, send = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(receive)
        try:
            study(out, if_exists="resume", progress=lambda done, total: os.write(send, b"x"))
        finally:
            os._exit(0)
    os.close(send)
    seen = 0
    while seen < n_folds and os.read(receive, 1):
        seen += 1
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(receive)


def main(folder, n_kills, seed):
    begin = time.perf_counter()
    n_folds = len(study(f"{folder}/whole").folds)
    each = (time.perf_counter() - begin) / n_folds
    draw = random.Random(seed)
    for i in range(n_kills):
        # twice in one folder: what was continued can be killed, too; 0 is before the first fold
        for _ in range(2):
            start_and_kill(f"{folder}/{i}", draw.randrange(n_folds // 2), draw.uniform(0, 3 * each))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
