"""allconv."""
