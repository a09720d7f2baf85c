"""Long work on a cluster: worker processes of Dask on this machine, over TCP. Data are simulated."""

import os
import signal
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from simulated_people import MODEL, people_study, people_trials, read_people
from some_work import one_study, rows_of, squared

import fits
from fits import execution
from fits.execution import LostWorkers, completed
from fits.people.fit import fit_people
from fits.recovery import recover_parameters
from fits.storage import Checkpoint


def local_cluster(workers, processes=True):
    distributed = pytest.importorskip("distributed", reason="needs the extra engram[cluster]")
    return distributed.LocalCluster(n_workers=workers, threads_per_worker=1, processes=processes, protocol="tcp://",
                                    dashboard_address=None, host="127.0.0.1")  # fmt: skip


@pytest.fixture(scope="module")
def cluster():
    with local_cluster(2) as made, made.get_client() as client:
        assert client.scheduler.address.startswith("tcp://127.0.0.1") and len(client.nthreads()) == 2
        yield client


def processes_of(client):
    return {address: client.run(os.getpid, workers=[address])[address] for address in client.nthreads()}


@pytest.mark.filterwarnings("ignore")  # of libraries that the project itself does not need
def test_a_cluster_gives_the_same_bits(cluster):
    serial, there = (fits.fit(one_study(), "EncodingOnly", starts=3, workers=workers, shared=False)
                     for workers in (1, cluster.get_executor()))  # fmt: skip
    assert rows_of(there) == rows_of(serial) and len(serial.optimum) == 2
    assert os.getpid() not in processes_of(cluster).values()


@pytest.mark.filterwarnings("ignore")
def test_a_worker_that_is_killed_in_mid_run_loses_nothing(cluster, tmp_path):
    """Progress counts each simulation once, the bits are those of one thread, and the cluster has other processes."""
    truth = fits.fit(one_study(), "EncodingOnly", starts=1, workers=1, shared=False)
    options = dict(n=12, truth=truth, shared=False, compared=0)
    serial = recover_parameters(one_study(), "EncodingOnly", workers=1, **options)
    before = processes_of(cluster)
    told, kept = [], {}

    def progress(evaluations):
        told.append(evaluations)
        if len(told) == 2:
            os.kill(next(iter(before.values())), signal.SIGKILL)

    there = recover_parameters(one_study(), "EncodingOnly", workers=cluster.get_executor(), progress=progress,
                               keep=kept.__setitem__, **options)  # fmt: skip
    assert there.table.equals(serial.table)
    assert len(told) == 12 and sorted(kept) == list(range(12))
    deadline = time.monotonic() + 120
    while set(processes_of(cluster).values()) <= set(before.values()) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert next(iter(before.values())) not in processes_of(cluster).values()


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_without_workers_is_named_once_and_waited_for(monkeypatch):
    monkeypatch.setattr(execution, "_PATIENCE", 0.1)
    told = []
    with local_cluster(0, processes=False) as made, made.get_client() as client:

        def warn(message, *args, **kwargs):
            told.append(message)
            threading.Timer(1.0, made.scale, [1]).start()  # ten more spans of patience

        monkeypatch.setattr(execution, "warnings", SimpleNamespace(warn=warn))
        assert completed(squared, [(3,), (4,)], workers=client.get_executor()) == [9, 16]
        assert told == ["the cluster has no workers yet; waiting for them"]
        assert completed(squared, [(5, 1.0)], workers=client.get_executor()) == [25]  # slow, but there
        assert len(told) == 1


@pytest.mark.filterwarnings("ignore")
def test_chains_on_a_cluster_are_those_of_threads(cluster, tmp_path):
    pytest.importorskip("nutpie", reason="needs the extra engram[posterior]")
    from fits.people.posterior import sample_people

    study = people_study(tmp_path, free=["strength"])
    fit = fit_people(read_people(tmp_path, people_trials(tmp_path, 3), study), study, MODEL, draws=32, workers=1)
    one, other = (sample_people(fit, draws=20, tune=20, chains=2, seed=3, workers=workers)
                  for workers in (2, cluster.get_executor()))  # fmt: skip
    assert other.data.posterior.equals(one.data.posterior) and other.evaluations == one.evaluations
    first, second = (one.data.posterior.eta.sel(chain=chain).to_numpy() for chain in one.data.posterior.chain)
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("result", [(1, 2), 0.5, None, dict(a=1, b=2, c=3)])
def test_a_future_that_dask_lost_is_not_an_error_of_its_task(result):
    """Its executor unpacks what such a future does not have, and passes that error on; a task's own it raises."""
    cfexecutor = pytest.importorskip("distributed.cfexecutor", reason="needs the extra engram[cluster]")

    def raised_there(result):
        raising = "typ, exc, tb = result\nraise exc.with_traceback(tb)"
        try:
            exec(raising, {"__name__": cfexecutor.__name__, "result": result})
        except Exception as error:
            return error

    assert execution._lost(raised_there(result))
    own = ValueError("not enough answers")
    assert not execution._lost(raised_there((ValueError, own, None))) and not execution._lost(own)


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_vanishes_is_named_and_the_run_goes_on_elsewhere(tmp_path, monkeypatch):
    """The scheduler and its workers are closed in mid-run; what had finished is on the disk, and is not run again."""
    made = local_cluster(1)
    client = made.get_client()
    truth = fits.fit(one_study(), "EncodingOnly", starts=1, workers=1, shared=False)
    options = dict(n=40, truth=truth, shared=False, compared=0)
    monkeypatch.setattr(execution, "_PATIENCE", 2.0)
    checkpoint = Checkpoint(tmp_path / "kept.jsonl", {"task": 1})
    closing = threading.Thread(target=made.close)

    def keep(number, rows):
        checkpoint.keep("recovery", number, rows)
        if checkpoint.kept == 2:
            closing.start()

    with pytest.raises(LostWorkers, match=r"with \d+ of 40 tasks unfinished; start the cluster and the run"):
        recover_parameters(one_study(), "EncodingOnly", workers=client.get_executor(), keep=keep, **options)
    closing.join()
    client.close()
    checkpoint.close()
    again = Checkpoint(tmp_path / "kept.jsonl", {"task": 1}, resume=True)
    known = again.done("recovery")
    assert 2 <= len(known) < 40
    told = []
    rest = recover_parameters(one_study(), "EncodingOnly", workers=1, done=known, progress=told.append, **options)
    assert len(told) == 40 - len(known)
    assert rest.table.equals(recover_parameters(one_study(), "EncodingOnly", workers=1, **options).table)
    again.remove()
