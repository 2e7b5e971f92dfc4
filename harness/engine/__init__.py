"""A model of the language, trained by code that is compiled for it."""
