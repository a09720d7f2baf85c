"""Speed and accuracy of the memory-trace models, against what one would use instead.

``python -m benchmarks`` measures everything, prints a table beside the targets and writes ``benchmarks/results.csv``;
``python -m benchmarks speed scaling`` measures some parts only. A ratio is always measured within one run. One module
a part: its docstring says what is measured.
"""
