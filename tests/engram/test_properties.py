"""What holds for every consolidation model and every protocol, through the public interface."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engram import (
    Encode,
    EncodingOnly,
    Extinguish,
    Intervene,
    LinearCapture,
    Protocol,
    Reactivate,
    Release,
    Sleep,
    Test,
    ThresholdCapture,
    day,
    hour,
    minute,
    neuromodulation,
)

MODELS = (ThresholdCapture, LinearCapture, EncodingOnly)
CAPTURES = (ThresholdCapture, LinearCapture)
TRACES = ("a", "b", "c")
STATES = ["early", "tag", "protein", "late", "labile", "eligibility", "competing", "strength"]
ROUNDING = 1e-12

every_model = pytest.mark.parametrize("kind", MODELS)
every_capture_model = pytest.mark.parametrize("kind", CAPTURES)

gaps = st.floats(0, 6 * hour)
names = st.sampled_from(TRACES)
strengths = st.floats(-0.95, 0.95)
fractions = st.floats(0, 1)
doses = st.floats(0, 5)

ACTIVE = neuromodulation.table(
    dataclasses.replace(
        neuromodulation.NORADRENALINE, encoding_gain=0.7, drive_weight=0.8, conversion=1.5, lability_gain=0.5,
        retrieval_gain=-0.2, synthesis_gate=0.3, dose_scale=0.8,
    ),
    dataclasses.replace(
        neuromodulation.SEROTONIN, encoding_gain=-0.4, drive_weight=0.3, conversion=2.0, dose_response="saturating"
    ),
)  # fmt: skip


def model_of(kind, **changes):
    """A model in which everything that can act does."""
    values = dict(durable_fraction=0.1, strength_spread=0.4, nodes=3, stimulation_gain=0.5, neuromodulators=ACTIVE)
    if kind is not EncodingOnly:
        values |= dict(sleep_drive=0.4, baseline_drive=0.05, completion_midpoint=0.1)
    return kind(**(values | changes))


@st.composite
def events_after(draw, at, kinds):
    """One event of one of the kinds, at a time."""
    kind = draw(st.sampled_from(kinds))
    if kind is Encode:
        return Encode(draw(names), at=at, strength=draw(strengths))
    if kind is Release:
        modulator = draw(st.sampled_from([modulator.name for modulator in ACTIVE]))
        return Release(modulator, at=at, dose=draw(doses))
    if kind is Reactivate:
        return Reactivate(draw(names), at=at, cue=draw(fractions), prediction_error=draw(fractions))
    if kind is Extinguish:
        return Extinguish(draw(names), at=at, strength=draw(fractions))
    if kind is Test:
        return Test(draw(names), at=at, reactivates=True)
    off = at + draw(st.floats(1, 6 * hour))
    if kind is Sleep:
        return Sleep(on=at, off=off)
    agent, dose = draw(
        st.sampled_from(
            [("protein_synthesis_inhibitor", 1.0), ("beta_blocker", 0.6), ("d1_d5_antagonist", 0.5), ("tdcs", -0.7)]
        )
    )
    return Intervene(agent, on=at, off=off, dose=dose)


ALL_KINDS = (Encode, Release, Reactivate, Extinguish, Intervene, Sleep, Test)


@st.composite
def event_lists(draw, kinds=ALL_KINDS, most=6):
    """Traces a, b and c encoded, then other events in order of time, then a Test of all."""
    now, events = 0.0, []
    for name in TRACES:
        now += draw(st.floats(0, 30 * minute))
        events.append(Encode(name, at=now, strength=draw(strengths)))
    for _ in range(draw(st.integers(0, most))):
        now += draw(gaps)
        events.append(draw(events_after(now, kinds)))
    now += draw(gaps) + 60.0
    return [*events, *(Test(name, at=now) for name in TRACES)]


relatedness = st.fixed_dictionaries({}, optional={("a", "b"): fractions, ("c", "b"): fractions})


def end_of(events):
    return events[-1].at


# ---- bounds --------------------------------------------------------------------------------------


@every_model
@given(events=event_lists(), related=relatedness, moments=st.lists(st.floats(0, 3 * day), max_size=4))
def test_states_stay_within_their_bounds(kind, events, related, moments):
    run = model_of(kind).run(Protocol(*events, relatedness=related))
    table = run.table([*moments, end_of(events), end_of(events) + 30 * day])
    assert table.early.between(-1 - ROUNDING, 1 + ROUNDING).all()
    assert table.late.between(-0.5 - ROUNDING, 1 + ROUNDING).all()
    assert (table.late + table.labile).between(-0.5 - ROUNDING, 1 + ROUNDING).all()
    assert table.eligibility.between(0, 1 + ROUNDING).all()
    assert table.competing.between(0, 1 + ROUNDING).all()
    assert table.tag.between(-1 - ROUNDING, 1 + ROUNDING).all()
    assert (table.protein >= 0).all()
    if kind is ThresholdCapture:
        assert (table.protein <= 1 + ROUNDING).all()
    if kind is EncodingOnly:
        assert (table.protein == 0).all()
        assert (table.labile == 0).all()
    assert table.strength.between(-1.5 * 5, 2 * 5).all()


# ---- time ----------------------------------------------------------------------------------------


@every_model
@given(events=event_lists(), related=relatedness, shift=st.floats(0, 30 * day))
def test_shifting_time_shifts_everything(kind, events, related, shift):
    model, protocol = model_of(kind, forgetting_exponent=0.3), Protocol(*events, relatedness=related)
    now, later = model.run(protocol).tests, model.run(protocol.shifted(shift)).tests
    assert later.time.to_numpy() == pytest.approx(now.time.to_numpy() + shift)
    assert later[STATES].to_numpy() == pytest.approx(now[STATES].to_numpy(), rel=1e-9, abs=1e-11)


@every_model
@given(events=event_lists(), related=relatedness, moments=st.lists(st.floats(0, 3 * day), max_size=12))
def test_an_empty_interval_split_in_two_changes_nothing(kind, events, related, moments):
    run = model_of(kind).run(Protocol(*events, relatedness=related))
    end = end_of(events) + 1 * hour
    between = sorted(moment for moment in moments if moment < end)
    once, often = run.table([end]), run.table([*between, end]).tail(len(TRACES))
    assert often[STATES].to_numpy() == pytest.approx(once[STATES].to_numpy(), rel=1e-10, abs=1e-13)


@every_model
@given(events=event_lists(), related=relatedness, moments=st.lists(st.floats(0, 3 * day), min_size=1, max_size=6))
def test_reads_come_in_the_order_asked_for(kind, events, related, moments):
    run = model_of(kind).run(Protocol(*events, relatedness=related))
    table = run.table(moments)
    assert list(table.time) == [moment for moment in moments for _ in TRACES]
    for moment in moments:
        alone = run.table([moment])[STATES].to_numpy()
        assert table[table.time == moment][STATES].to_numpy()[:3] == pytest.approx(alone, rel=1e-10, abs=1e-13)


# ---- traces --------------------------------------------------------------------------------------


@every_model
@given(events=event_lists(), order=st.permutations(TRACES))
def test_permuting_unrelated_traces_changes_nothing(kind, events, order):
    renamed = dict(zip(TRACES, order, strict=True))
    permuted = [
        dataclasses.replace(event, trace=renamed[event.trace]) if hasattr(event, "trace") else event for event in events
    ]
    model, read_at = model_of(kind), [1 * hour, end_of(events)]
    before = model.run(Protocol(*events)).table(read_at)
    after = model.run(Protocol(*permuted)).table(read_at)
    for name in TRACES:
        left, right = before[before.trace == name], after[after.trace == renamed[name]]
        assert np.array_equal(left[STATES].to_numpy(), right[STATES].to_numpy())


@every_model
@given(events=event_lists(), strength=strengths, at=st.floats(0, 12 * hour))
def test_encoding_an_unrelated_trace_changes_no_other(kind, events, strength, at):
    assume(events[0].at <= at <= end_of(events))  # the first event starts the clock of a baseline drive
    model = model_of(kind)
    alone = model.run(Protocol(*events)).tests
    beside = model.run(Protocol(*events, Encode("unrelated", at=at, strength=strength))).tests
    assert np.array_equal(alone[STATES].to_numpy(), beside[STATES].to_numpy())


@every_model
@given(events=event_lists(), share=fractions)
def test_a_category_is_the_same_as_its_pairs(kind, events, share):
    model = model_of(kind)
    pairs = {("a", "b"): share, ("b", "c"): share, ("c", "a"): share}
    paired = model.run(Protocol(*events, relatedness=pairs)).tests
    grouped = model.run(Protocol(*events, categories=dict.fromkeys(TRACES, "one"), within_category=share)).tests
    assert grouped[STATES].to_numpy() == pytest.approx(paired[STATES].to_numpy(), rel=1e-10, abs=1e-13)


# ---- models --------------------------------------------------------------------------------------


@given(events=event_lists(kinds=(Encode, Extinguish, Sleep, Intervene)), related=relatedness)
def test_without_drive_release_and_reactivation_all_models_agree(events, related):
    protocol = Protocol(*events, relatedness=related)
    shared = dict(durable_fraction=0.2, strength_spread=0.4, nodes=3, stimulation_gain=0.5, forgetting_exponent=0.2)
    tables = [kind(**shared).run(protocol).tests for kind in MODELS]
    columns = ["early", "protein", "late", "labile", "eligibility", "competing", "strength"]
    for table in tables[1:]:
        assert np.array_equal(table[columns].to_numpy(), tables[0][columns].to_numpy())


@every_capture_model
@given(events=event_lists(), related=relatedness)
def test_without_synthesis_there_are_no_proteins(kind, events, related):
    blocked = Intervene("protein_synthesis_inhibitor", on=0, off=np.inf)
    run = model_of(kind).run(Protocol(blocked, *events, relatedness=related))
    assert (run.table([1 * hour, end_of(events)]).protein == 0).all()


@every_capture_model
@given(events=event_lists(kinds=(Encode, Release, Extinguish, Sleep)), related=relatedness)
def test_wholly_blocked_synthesis_equals_no_capture(kind, events, related):
    blocked = Intervene("protein_synthesis_inhibitor", on=0, off=np.inf)
    protocol = Protocol(blocked, *events, relatedness=related)
    without_conversion = tuple(dataclasses.replace(modulator, conversion=0.0) for modulator in ACTIVE)
    one = model_of(kind, neuromodulators=without_conversion).run(protocol).tests
    other = model_of(EncodingOnly, neuromodulators=without_conversion).run(protocol).tests
    columns = ["early", "late", "labile", "strength"]
    assert one[columns].to_numpy() == pytest.approx(other[columns].to_numpy(), rel=1e-13, abs=1e-14)


# ---- simultaneous events -------------------------------------------------------------------------


@every_model
@given(
    events=st.lists(events_after(1 * hour, (Encode, Release, Reactivate, Extinguish, Test)), min_size=2, max_size=4),
    related=relatedness,
)
def test_simultaneous_events_act_in_the_order_written(kind, events, related):
    first = [Encode(name, at=20 * minute, strength=0.7) for name in TRACES]
    last = [Test(name, at=1 * day) for name in TRACES]
    spaced = [dataclasses.replace(event, at=event.at + 1e-6 * place) for place, event in enumerate(events)]
    model = model_of(kind)
    together = model.run(Protocol(*last, *first, *events, relatedness=related)).tests
    one_by_one = model.run(Protocol(*last, *first, *spaced, relatedness=related)).tests
    assert together[STATES].to_numpy() == pytest.approx(one_by_one[STATES].to_numpy(), rel=1e-6, abs=1e-7)


@every_capture_model
def test_a_release_converts_what_is_written_before_it(kind):
    encode, release = Encode("a", at=0, strength=0.4), Release("dopamine", at=0)
    early = [kind().run(Protocol(*order)).table([0])["early"][0] for order in ((encode, release), (release, encode))]
    assert early[0] == pytest.approx(0.4 + (1 - np.exp(-5 * 0.4)) * 0.6)
    assert early[1] == pytest.approx(0.4)


# ---- batches and threads -------------------------------------------------------------------------


@every_model
@settings(max_examples=15)
@given(several=st.lists(st.tuples(event_lists(), relatedness), min_size=1, max_size=6))
def test_a_batch_gives_the_bits_of_its_protocols_one_by_one(kind, several):
    model = model_of(kind)
    protocols = [Protocol(*events, relatedness=related) for events, related in several]
    together = model.strengths(model.batch(protocols))
    one_by_one = [model.strengths(model.batch([protocol])) for protocol in protocols]
    assert np.array_equal(together, np.concatenate(one_by_one))


@every_capture_model
def test_protocols_that_differ_in_a_dose_alone_are_computed_apart(kind):
    """In one leap from the same time to the same time, of which nothing may be taken from the protocol before."""

    def protocol(dose):
        return Protocol(Encode("a", at=0, strength=0.5), Release("dopamine", at=0, dose=dose), Test("a", at=day))

    model = model_of(kind)
    doses = (4.0, 0.5, 4.0)
    found = model.strengths(model.batch([protocol(dose) for dose in doses]))
    alone = [model.strengths(model.batch([protocol(dose)]))[0] for dose in doses]
    assert found.tolist() == alone and found[0] > found[1] + 0.01


@every_model
@settings(max_examples=15)
@given(several=st.lists(st.tuples(event_lists(), relatedness), min_size=1, max_size=3))
def test_strengths_alone_are_the_bits_of_the_whole_state(kind, several):
    model = model_of(kind)
    batch = model.batch([Protocol(*events, relatedness=related) for events, related in several])
    assert np.array_equal(model.run_strengths(*model.kernel_arguments(), batch), model.strengths(batch))


@every_model
@settings(max_examples=5)
@given(several=st.lists(st.tuples(event_lists(), relatedness), min_size=3, max_size=6))
def test_several_threads_give_the_bits_of_one(kind, several):
    model = model_of(kind)
    batches = [model.batch([Protocol(*events, relatedness=related)] * 20) for events, related in several]
    expected = [model.simulate(batch) for batch in batches]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(model.simulate, [*batches, *reversed(batches), *batches]))
    for result, bits in zip(results, [*expected, *reversed(expected), *expected], strict=True):
        assert np.array_equal(result, bits)


@every_model
@settings(max_examples=15)
@given(events=event_lists(), related=relatedness)
def test_a_run_is_repeated_bit_for_bit(kind, events, related):
    run = model_of(kind).run(Protocol(*events, relatedness=related))
    assert np.array_equal(run.tests[STATES].to_numpy(), run.tests[STATES].to_numpy())
