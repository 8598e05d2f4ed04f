"""The admission webhook and `podseal check`: see ARCHITECTURE.md for how the modules stand."""
