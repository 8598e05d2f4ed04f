"""Between the kernel and Event: loading, the ring, the layout, decoding. Knows no rule and no pod."""
