"""Long work in threads and other processes: the same bits, nothing lost. Data are simulated."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from simulated_people import MODEL, people_study, people_trials, read_people
from simulated_trials import STUDY, simulated
from some_work import one_study, rows_of, squared

import fits
from engram import EncodingOnly, LinearCapture
from fits import execution
from fits.execution import LostWorkers, completed, executor_of, threads
from fits.model_recovery import recover_models
from fits.people.calibration import population_calibration
from fits.people.fit import fit_people
from fits.people.likelihood import PeopleLikelihood
from fits.people.population import Population
from fits.profile import profile
from fits.recovery import recover_parameters
from fits.trial_fit import fit_participants, fit_trials
from fits.trials import read_trials
from fits.validation import leave_one_out


def dies(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.2 * number)
    return number


def fails(number):
    raise ZeroDivisionError(f"of task {number}")


class Gone(Executor):
    """An executor whose cluster has vanished."""

    def submit(self, fn, /, *args, **kwargs):
        raise RuntimeError("cannot schedule new futures after shutdown")


class Cancelling(Executor):
    """Finishes two tasks and gives the others up."""

    def __init__(self):
        self.taken = 0

    def submit(self, fn, /, *args, **kwargs):
        self.taken += 1
        future = Future()
        if self.taken <= 2:
            future.set_result(fn(*args, **kwargs))
        else:
            future.cancel()
            future.set_running_or_notify_cancel()
        return future


@pytest.fixture(scope="module")
def processes():
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.mark.parametrize("workers", [None, 1, 3])
def test_results_come_in_the_order_of_tasks_and_each_is_told_once(workers):
    told, kept = [], {}
    found = completed(squared, [(5, 0.05), (1, 0.0), (4, 0.02)], workers=workers, keep=kept.__setitem__,
                      progress=told.append)  # fmt: skip
    assert found == [25, 1, 16] and sorted(told) == [0, 1, 2] and kept == {0: 25, 1: 1, 2: 16}


def test_what_is_known_is_not_run_again():
    told = []
    assert completed(fails, [(0,), (1,)], done={0: "a", 1: "b"}, progress=told.append) == ["a", "b"] and told == []


def test_errors_of_a_task_are_its_own():
    with pytest.raises(ZeroDivisionError, match="of task 0"):
        completed(fails, [(0,)], workers=1)
    with pytest.raises(FileNotFoundError):
        completed(open, [("no such file",)], workers=1)


def test_an_executor_that_is_given_stays_open():
    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(ZeroDivisionError):
            completed(fails, [(0,)], workers=pool)
        with executor_of(pool) as same:
            assert same is pool
        assert pool.submit(squared, 3).result() == 9
        assert threads(pool) == 1


def test_impossible_numbers_of_workers_are_refused():
    with pytest.raises(ValueError, match="workers is 0; give at least 1, an executor, or None"):
        completed(squared, [(1,)], workers=0)


@pytest.mark.parametrize("workers", ["2", 2.0, True, ThreadPoolExecutor, [2]])
def test_what_is_no_number_of_workers_and_no_executor_is_refused(workers):
    with pytest.raises(TypeError, match=r"workers is .*give a whole number, an open executor \(an instance"):
        completed(squared, [(1,)], workers=workers)
    with pytest.raises(TypeError, match=r"workers is .*give a whole number, an open executor \(an instance"):
        threads(workers)
    assert threads(np.int64(3)) == 3


def test_threads_that_were_shut_down_are_named():
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    with pytest.raises(LostWorkers, match=r"takes no tasks \(RuntimeError: cannot schedule.*and the executor open"):
        completed(squared, [(1,)], workers=pool)


def test_an_executor_that_takes_nothing_is_named():
    with pytest.raises(
        LostWorkers, match=r"takes no tasks \(RuntimeError: cannot schedule.*is the cluster still there"
    ):
        completed(squared, [(1,)], workers=Gone())


def test_what_has_finished_is_kept_where_an_executor_gives_up():
    kept = {}
    with pytest.raises(LostWorkers, match="with 3 of 5 tasks unfinished"):
        completed(squared, [(k,) for k in range(5)], workers=Cancelling(), keep=kept.__setitem__)
    assert kept == {0: 0, 1: 1}
    assert completed(squared, [(k,) for k in range(5)], done=kept, workers=1) == [0, 1, 4, 9, 16]


class Silent(Executor):
    """Takes one task and never answers, nor takes another."""

    def __init__(self):
        self.taken = 0

    def submit(self, fn, /, *args, **kwargs):
        self.taken += 1
        if self.taken > 2:
            raise RuntimeError("closed")
        future = Future()
        if self.taken == 1:
            future.set_result(fn(*args, **kwargs))
        return future


def test_an_executor_that_falls_silent_is_asked_whether_it_is_there(monkeypatch):
    monkeypatch.setattr(execution, "_PATIENCE", 0.1)
    kept = {}
    with pytest.raises(LostWorkers, match=r"have gone \(they do not answer\) with 1 of 2 tasks unfinished"):
        completed(squared, [(0,), (1,)], workers=Silent(), keep=kept.__setitem__)
    assert kept == {0: 0}


def test_a_process_that_dies_is_named_and_what_has_finished_is_kept():
    kept = {}
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        with pytest.raises(LostWorkers, match=r"the workers have gone \(BrokenProcessPool.*needs if __name__"):
            completed(dies, [(k,) for k in range(5)], workers=pool, keep=kept.__setitem__)
    assert set(kept) <= {0, 1, 2} and all(kept[k] == k for k in kept)


def test_processes_end_at_once_where_their_block_is_left_by_an_interrupt():
    """With tasks that wait, more than a pipe takes, some of them cancelled: none holds up the end."""
    with pytest.raises(KeyboardInterrupt):
        with execution.processes(1) as pool:
            assert pool.submit(squared, 3).result() == 9
            long = pool.submit(squared, 3, 600.0)
            waiting = [pool.submit(squared, np.zeros(1_000_000)) for _ in range(4)]
            while not long.running():
                time.sleep(0.01)
            waiting[-1].cancel()
            raise KeyboardInterrupt
    assert isinstance(long.exception(), BrokenExecutor) and all(one.done() for one in waiting)


@pytest.mark.skipif(sys.platform == "win32", reason="kills a program as POSIX systems do")
def test_processes_end_with_a_program_that_is_killed(tmp_path):
    """Its output ends when nobody is left who could write to it."""
    program = tmp_path / "program.py"
    program.write_text(
        "import time\nfrom fits.execution import processes\n\n"
        "if __name__ == '__main__':\n"
        "    with processes(1) as pool:\n"
        "        pool.submit(time.sleep, 0).result()\n"
        "        pool.submit(time.sleep, 600)\n"
        "        print('working', flush=True)\n"
        "        time.sleep(600)\n"
    )
    killed = subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, text=True)
    assert killed.stdout.readline() == "working\n"
    killed.kill()
    killed.communicate(timeout=30)


def test_fits_have_the_same_bits_in_other_processes(processes):
    both = [*one_study(), fits.load_study("monfils_2009")]
    for studies, options in ((one_study(), dict(shared=False)), (both, {})):
        serial, there = (
            fits.fit(studies, "EncodingOnly", starts=3, workers=workers, **options) for workers in (1, processes)
        )
        assert rows_of(there) == rows_of(serial) and there.optimum == serial.optimum


def test_recoveries_have_the_same_bits_in_other_processes(processes):
    truth = fits.fit(one_study(), "EncodingOnly", starts=1, workers=1, shared=False)
    options = dict(n=3, truth=truth, shared=False, compared=1)
    told = []
    serial = recover_parameters(one_study(), "EncodingOnly", workers=1, **options)
    there = recover_parameters(one_study(), "EncodingOnly", workers=processes, progress=told.append, **options)
    assert there.table.equals(serial.table) and len(told) == 3
    truths = [truth, fits.fit(one_study(), "LinearCapture", starts=1, workers=1, shared=False)]
    names = ["EncodingOnly", "LinearCapture"]
    tables = [recover_models(one_study(), names, n=1, truths=truths, shared=False, workers=workers).table
              for workers in (1, processes)]  # fmt: skip
    assert tables[1].equals(tables[0])


def test_people_have_the_same_bits_in_other_processes(processes, tmp_path):
    study = people_study(tmp_path, free=["strength", "criterion"])
    trials = read_people(tmp_path, people_trials(tmp_path, 5), study)
    serial, there = (fit_people(trials, study, MODEL, draws=64, workers=workers) for workers in (1, processes))
    assert there.people.equals(serial.people) and there.parameters.equals(serial.parameters)
    likelihood = PeopleLikelihood(trials, study, MODEL)
    population = Population(np.array([[0.2], [-0.1]]), np.array([0.6, 0.4]))
    options = dict(people=4, n=3, draws=32, seed=5)
    kept = {}
    one = population_calibration(likelihood, population, workers=1, **options)
    other = population_calibration(likelihood, population, workers=processes, keep=kept.__setitem__, **options)
    assert other.table.equals(one.table) and sorted(kept) == [0, 1, 2]
    resumed = population_calibration(likelihood, population, workers=1, done={0: kept[0], 2: kept[2]}, **options)
    assert resumed.table.equals(one.table)


@pytest.fixture
def some_trials(tmp_path):
    (tmp_path / "sim.toml").write_text(STUDY, encoding="utf-8")
    simulated().to_csv(tmp_path / "trials.csv", index=False)
    study = fits.load_study(tmp_path / "sim.toml")
    return read_trials(tmp_path / "trials.csv", study), study, LinearCapture(nodes=1)


@pytest.mark.parametrize("level", ["phase", "item"])
def test_fits_of_trials_have_the_same_bits_in_other_processes(processes, some_trials, level):
    told = []
    here, there = (fit_trials(*some_trials, level=level, starts=2, workers=workers, progress=told.append)
                   for workers in (2, processes))  # fmt: skip
    assert there.starts.equals(here.starts) and there.estimates.equals(here.estimates)
    assert there.log_likelihood == here.log_likelihood
    assert len(told) == 2 * len(here.starts) and sum(told) == 2 * here.evaluations


def test_fits_of_participants_have_the_same_bits_in_other_processes(processes, some_trials):
    group = fit_trials(*some_trials, starts=1, workers=1)
    one, two, there = (fit_participants(*some_trials, group=group, workers=workers) for workers in (1, 2, processes))
    assert one.participant.tolist() == ["01", "02", "03"] and (one.evaluations > 1).all()
    assert two.equals(one) and there.equals(one)


def test_profiles_have_the_same_bits_in_other_processes(processes):
    fitted = fits.fit(one_study(), "EncodingOnly", starts=2, shared=False, workers=1)
    told = []
    here, there = (profile(fitted, workers=workers, progress=told.append) for workers in (2, processes))
    assert there.intervals.equals(here.intervals) and there.curves.equals(here.curves)
    assert len(here.intervals) == 2 and sum(told) == 2 * here.intervals.points.sum()


def test_studies_left_out_are_predicted_with_the_same_bits_in_other_processes(processes):
    both = [*one_study(), fits.load_study("nader_2000")]
    here, there = (leave_one_out(both, EncodingOnly(nodes=1), starts=1, workers=workers) for workers in (2, processes))
    assert len(here.biology) and here.predictions.study.nunique() == 2
    assert there.table.equals(here.table) and there.biology.equals(here.biology)
    assert there.predictions.equals(here.predictions)


def test_every_fit_names_an_executor_that_has_gone_and_refuses_no_workers(some_trials):
    group = fit_trials(*some_trials, starts=1, workers=1)
    fitted = fits.fit(one_study(), "EncodingOnly", starts=1, shared=False, workers=1)
    both = [*one_study(), fits.load_study("nader_2000")]
    closed = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
    closed.shutdown()
    for work in (
        lambda workers: fit_trials(*some_trials, starts=2, workers=workers),
        lambda workers: fit_participants(*some_trials, group=group, workers=workers),
        lambda workers: profile(fitted, workers=workers),
        lambda workers: leave_one_out(both, "EncodingOnly", starts=1, workers=workers),
    ):
        with pytest.raises(LostWorkers, match=r"the executor takes no tasks .*is the cluster still there"):
            work(closed)
        with pytest.raises(ValueError, match="workers is 0; give at least 1, an executor, or None"):
            work(0)
