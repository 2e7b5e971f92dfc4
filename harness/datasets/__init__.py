"""Data sets as uint8 arrays; their files are checked before use."""
