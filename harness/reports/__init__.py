"""Reports: one typed model, `Board`, in many renderings.

Every rendering is a pure function of its record and equal for equal records, byte for byte. Text that a student wrote
(names, labels, messages) is made harmless once, by `neutral`, before a rendering reads it; `wording` then says how
each value reads and which columns a table has, so that terminal, Markdown and HTML tell the same story.
"""
