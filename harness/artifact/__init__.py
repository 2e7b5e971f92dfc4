"""The output of a build, audited here in pure Python without a framework, before anything uses it."""
