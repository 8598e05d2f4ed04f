"""The self-test: a throw-away container, the behaviours that must be seen in it, and the quiet that must be kept."""
