"""Number of threads of FAISS."""

import os

import faiss


def respect_thread_limit() -> None:
    """Use at most `OMP_THREAD_LIMIT` threads in calls of FAISS by the calling thread.

    FAISS divides work by its number of threads, which ignores this limit. If fewer threads start,
    it returns wrong neighbours, or does not end.
    """
    limit = os.environ.get("OMP_THREAD_LIMIT", "")
    if limit.isdecimal() and 0 < int(limit) < faiss.omp_get_max_threads():
        faiss.omp_set_num_threads(int(limit))
