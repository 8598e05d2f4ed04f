"""Falco's falco.yaml, read as it is: `files` from disk; `tree`, `section` its form; `config` and the others its parts.

In: a path and `-o` options. Out: `config.Config`, and a warning for each key that is not followed. Called by
`following` and `podseal-monitor rules check` through `files.load`; everything but `files` is pure.
"""
