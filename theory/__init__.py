"""The derivations behind the kernels of ``engram``, done by sympy.

Every closed form the library relies on is derived here from its differential equation, and every claim
about the models (how long a tag lasts, what a larger dose does) is worked out rather than stated. Nothing
at run time depends on this package. One subject a module:

``notation``         the symbols, and how an expression becomes a number
``between_events``   early strength, proteins, late and labile strength while nothing happens
``crossing``         when protein synthesis ends
``experiment``       one weak trace and one release: the experiment the next three modules reason about
``capture``          late strength captured, against the interval between encoding and release
``windows``          how late, and how early, a release may come
``salience``         what a larger dose does under either capture rule: the discriminating prediction
``reconsolidation``  what is left of a late trace after reactivation
``visual_code``      Fisher information and threshold of two populations, and when learning looks general
``few_shot``         what a few examples can teach, as a function of geometry
``plastic_synapse``  the calcium synapse and its network, and the trace that a cell assembly corresponds to
"""
