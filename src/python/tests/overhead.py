"""Measures what a task costs besides its own time: ``python tests/overhead.py [TASKS...]``, 100 and 10,000 without.

Each task takes 10 ms. With W workers of one thread, N tasks take at least N * 10 ms / W. What they take beyond that, in time of a worker
for each task, is printed.
"""

import sys
import time

from authstorm.dask import each
from distributed import Client, LocalCluster

LENGTH_S = 0.010
WORKERS = 2


def task(number: int) -> str:
    time.sleep(LENGTH_S)
    return str(number)


def main() -> None:
    with LocalCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=":0") as cluster, Client(cluster) as client:
        each(client, task, range(20), lambda number, result: None)
        for count in [int(word) for word in sys.argv[1:]] or [100, 10_000]:
            rows = {}
            began = time.monotonic()
            each(client, task, range(count), rows.__setitem__)
            took = time.monotonic() - began
            assert rows == {number: str(number) for number in range(count)}
            overhead = took * WORKERS / count - LENGTH_S
            print(f"{count} tasks of 10 ms on {WORKERS} workers: {took:.2f} s, {overhead * 1e3:.2f} ms of a worker beside each task")


if __name__ == "__main__":
    main()
