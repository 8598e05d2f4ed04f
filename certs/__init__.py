"""Certificates for the webhook: made, rotated, published. Imports nothing of podseal, imported by nothing."""
