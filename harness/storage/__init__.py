"""Everything that outlives a command: results, trained models, and what results depend on."""
