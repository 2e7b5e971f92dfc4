"""The graph language: one closed set of operators with ONNX's names, in which every model is graded, counted and
trained.

The table is in `operators.py`; `interpreter.py` defines what each operator means.
"""
