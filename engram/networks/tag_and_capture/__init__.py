"""The calcium synapse with tag-and-capture, and the spiking network made of it.

What is public is named in :mod:`engram.networks`. ``calcium_synapse`` follows one synapse; ``network`` describes the
network and ``simulation`` runs it; ``experiments`` are the published ones. ``event_kernels`` and ``network_kernel`` are
what is compiled.
"""
