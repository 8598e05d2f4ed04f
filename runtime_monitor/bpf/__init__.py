"""The programs in the kernel: C sources, the wire format `events.h`, and how they are built. No Python logic."""
