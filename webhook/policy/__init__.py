"""The pure core of podseal: values in, values out; no I/O, no clock, no global state."""
