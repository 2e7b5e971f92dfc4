"""The data that leaves a build: audited here, in pure Python with no framework installed, before anything uses it."""
