"""What a record must say about the machine, and an environment in which the peers are at their best."""

import ctypes
import os
import platform
import re
import sys
import time

# Settings of others that make OpenBLAS choose a kernel or block size that does not fit the machine.
MISLEADING = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OPENBLAS_L2SIZE", "OPENBLAS_BLOCK_FACTOR")
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")


def settle_environment(threads):
    """Starts the script again unless it already runs without misleading settings and with that many BLAS threads.

    The libraries read these variables when they are loaded, so this comes before NumPy is imported.
    """
    wanted = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    wanted.update({name: str(threads) for name in THREADS})
    if wanted != dict(os.environ):
        dropped = [name for name in MISLEADING if name in os.environ]
        if dropped:
            print(f"dropped from the environment: {', '.join(dropped)}", flush=True)
        os.execve(sys.executable, [sys.executable, *sys.argv], wanted)


def blas_kernels():
    """One line for each BLAS loaded: the library and the kernel it chose for this processor."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return openblas_core_names()
    return [
        f"{os.path.basename(pool['filepath'])}: {pool.get('architecture', 'unknown kernel')}, "
        f"version {pool.get('version')}, threads {pool.get('num_threads')}"
        for pool in threadpool_info()
    ]


def openblas_core_names():
    """The same asked of OpenBLAS itself, for Linux without threadpoolctl."""
    try:
        with open("/proc/self/maps") as maps:
            libraries = sorted(set(re.findall(r"/\S*openblas\S*\.so\S*", maps.read())))
    except OSError:
        libraries = []
    lines = []
    for path in libraries:
        library = ctypes.CDLL(path)
        for prefix in ("scipy_", ""):
            for suffix in ("64_", ""):
                name = f"{prefix}openblas_get_corename{suffix}"
                if hasattr(library, name):
                    core_name = getattr(library, name)
                    core_name.restype = ctypes.c_char_p
                    lines.append(f"{os.path.basename(path)}: {core_name().decode()}")
    return sorted(set(lines)) or ["unknown: install threadpoolctl"]


def processor():
    """The name of the processor."""
    try:
        with open("/proc/cpuinfo") as info:
            return re.search(r"model name\s*:\s*(.*)", info.read()).group(1)
    except (OSError, AttributeError):
        return platform.processor() or platform.machine()


def peak_gflops(size=1500, repeats=5):
    """The best rate of a square matrix product on the threads in use, in 10⁹ floating-point operations a second."""
    import numpy as np
    from scipy.linalg.blas import dgemm

    rng = np.random.default_rng(0)
    a, b = (np.asfortranarray(rng.standard_normal((size, size))) for _ in range(2))
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        dgemm(1.0, a, b)
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best / 1e9


def facts():
    """What a reader needs to judge the numbers; no name of the machine or its user."""
    import numpy as np
    import scipy

    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "blas": blas_kernels(),
        "dgemm_gflops": round(peak_gflops(), 1),
        "load_average": [round(load, 1) for load in os.getloadavg()] if hasattr(os, "getloadavg") else None,
    }
