"""Report: what people and programs read about a study."""
