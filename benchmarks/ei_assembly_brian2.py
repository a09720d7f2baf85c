"""The E/I-assembly network under Brian2's C++ standalone mode; run by `benchmarks.ei_assembly` in Brian2's environment.

``python ei_assembly_brian2.py FOLDER`` reads FOLDER/network.npz and prints CPU s per simulated second and spikes. The
conductances decay by Euler's method here, which costs Brian2 less than the exact decay.
"""

import json
import resource
import sys
from pathlib import Path

import brian2 as b
import numpy as np

folder = Path(sys.argv[1])
network = np.load(folder / "network.npz")
b.set_device("cpp_standalone", build_on_run=False)
b.defaultclock.dt = 0.1 * b.ms
seconds = float(network["steps"]) * 1e-4
mitral = b.SpikeGeneratorGroup(1500, network["cell"], network["step"] * 0.1 * b.ms)
EXCITATORY = """
dv/dt = ((-60 - v) + (exc * (0 - v) + inh * (-70 - v) - w) / 1.35) / (85*ms) : 1 (unless refractory)
dw/dt = (1.0 * (v + 60) - w) / (40*ms) : 1
dexc/dt = -exc / (30*ms) : 1
dinh/dt = -inh / (10*ms) : 1
"""
INHIBITORY = """
dv/dt = ((-65 - v) + (exc * (0 - v) + inh * (-70 - v)) / 0.9) / (50*ms) : 1 (unless refractory)
dexc/dt = -exc / (30*ms) : 1
dinh/dt = -inh / (10*ms) : 1
"""
cells = {
    "e": b.NeuronGroup(
        4000, EXCITATORY, threshold="v > -38", reset="v = -60; w += 10", refractory=8.05 * b.ms, method="euler"
    ),
    "i": b.NeuronGroup(1000, INHIBITORY, threshold="v > -45", reset="v = -65", refractory=8.05 * b.ms, method="euler"),
}
cells["e"].v, cells["i"].v = -60, -65
everything = [mitral, *cells.values()]
for name in ("o_e", "o_i", "e_e", "e_i", "i_e", "i_i"):
    source = mitral if name[0] == "o" else cells[name[0]]
    onto = "inh" if name[0] == "i" else "exc"
    synapses = b.Synapses(source, cells[name[2]], "weight : 1", on_pre=f"{onto}_post += weight")
    synapses.connect(i=network[f"{name}_before"], j=network[f"{name}_after"])
    synapses.weight = network[f"{name}_weight"]
    everything.append(synapses)
monitors = [b.SpikeMonitor(group) for group in cells.values()]
b.Network(*everything, *monitors).run(seconds * b.second)
device = b.get_device()
device.build(directory=str(folder / "code"), compile=True, run=False)
taken = []
for _ in range(3):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    device.run(str(folder / "code"), with_output=False, run_args=[])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    taken.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
print(json.dumps({"cpu": min(taken) / seconds, "spikes": int(sum(monitor.num_spikes for monitor in monitors))}))
