"""The TOML files that people write, and what they specify."""
