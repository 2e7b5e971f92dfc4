"""Data sets as uint8 arrays; their files travel with the project and are checked before use."""
