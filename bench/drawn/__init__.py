"""Papers with exact truth, drawn from a seed: what the engine is measured on."""
