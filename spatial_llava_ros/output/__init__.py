"""What comes out: annotated pictures and recordings."""
