"""The tag-and-capture network in Brian2's C++ standalone mode: processor time of some biological time of background.

Run by `benchmarks.network` with the Python of an environment that has brian2 (and NumPy below 2.3). Prints JSON.
"""

import json
import resource
import sys
import tempfile

from brian2 import (
    Hz,
    Mohm,
    Network,
    NeuronGroup,
    SpikeMonitor,
    Synapses,
    defaultclock,
    device,
    ms,
    mV,
    nA,
    prefs,
    second,
    seed,
    set_device,
)  # fmt: skip


def build(duration: float, folder: str) -> tuple[float, float, float]:
    """Processor time (s) of the compiled program for so long (s), and rates of E and I (Hz)."""
    set_device("cpp_standalone", directory=folder, build_on_run=False)
    prefs.devices.cpp_standalone.openmp_threads = 0
    seed(1)
    defaultclock.dt = 0.2 * ms
    namespace = dict(
        tau_m=10 * ms, R=10 * Mohm, V_rest=-65 * mV, tau_syn=5 * ms, tau_bg=5 * ms, I_0=0.15 * nA,
        sigma_WN=0.05 * nA * second**0.5, tau_p=3600 * second, tau_c=48.8 * ms, tau_h=688.4 * second,
        tau_z=3600 * second, gamma_p=1645.6, gamma_d=313.1, h_0=4.200745 * mV, h_max=10 * mV, theta_p=3.0,
        theta_d=1.2, sigma=2.90436 * mV, theta_tag=0.2 * 4.200745 * mV, theta_pro=0.5 * 4.200745 * mV,
    )  # fmt: skip
    neurons = NeuronGroup(
        2000,
        """dV/dt = (-(V - V_rest) + R*(I_syn + I_bg))/tau_m : volt (unless refractory)
           dI_syn/dt = -I_syn/tau_syn : amp
           dI_bg/dt = (I_0 - I_bg)/tau_bg + sigma_WN/tau_bg*xi : amp
           S : volt
           dp/dt = (-p + int(S > theta_pro))/tau_p : 1""",
        threshold="V > -55*mV", reset="V = -70*mV", refractory=2 * ms, method="euler", namespace=namespace,
    )  # fmt: skip
    neurons.V, neurons.I_bg = -65 * mV, 0.15 * nA
    excitatory, inhibitory = neurons[:1600], neurons[1600:]
    plastic = Synapses(
        excitatory, excitatory,
        """dc/dt = -c/tau_c : 1 (clock-driven)
           dh/dt = (0.1*(h_0 - h) + gamma_p*(h_max - h)*int(c > theta_p) - gamma_d*h*int(c > theta_d))/tau_h
                   + sigma*sqrt((int(c > theta_p) + int(c > theta_d))/tau_h)*xi : volt (clock-driven)
           dz/dt = p_post*((1 - z)*int(h - h_0 > theta_tag) - (z + 0.5)*int(h_0 - h > theta_tag))/tau_z
                   : 1 (clock-driven)
           S_post = abs(h - h_0) : volt (summed)""",
        on_pre={"transmit": "I_syn_post += (h + h_0*z)/R", "calcium": "c += 0.6"}, on_post="c += 0.16548",
        method="heun", namespace=namespace,
    )  # fmt: skip
    plastic.connect(condition="i != j", p=0.1)
    plastic.h = 4.200745 * mV
    plastic.transmit.delay, plastic.calcium.delay = 3 * ms, 18.8 * ms
    objects = [neurons, plastic]
    for source, target, weight in (
        (excitatory, inhibitory, 2), (inhibitory, excitatory, -4), (inhibitory, inhibitory, -4)
    ):  # fmt: skip
        fixed = Synapses(source, target, on_pre=f"I_syn_post += {weight}*h_0/R", delay=3 * ms, namespace=namespace)
        fixed.connect(condition="i != j" if source is target else None, p=0.1)
        objects.append(fixed)
    monitor = SpikeMonitor(neurons, record=False)
    network = Network(*objects, monitor)
    network.run(duration * second)
    device.build(directory=folder, compile=True, run=False)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    device.run(folder, with_output=False, run_args=[])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    count = monitor.count[:]
    rates = [float((part / (duration * second) / Hz).mean()) for part in (count[:1600], count[1600:])]
    device.reinit()
    return spent, *rates


if __name__ == "__main__":
    short, long = float(sys.argv[1]), float(sys.argv[2])
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second_folder:
        begin = build(short, first)
        end = build(long, second_folder)
    cost = (end[0] - begin[0]) / (long - short)
    print(json.dumps({"cost": cost, "rate E": end[1], "rate I": end[2]}))
