"""From a hand-in to the part of it that defines the model: pure functions over text and syntax trees.

It runs where student code runs, in the locked build process: parsing hostile text can exhaust memory or the stack.
"""
