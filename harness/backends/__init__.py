"""The only package that imports a framework. A backend is loaded by name, in its own process."""
