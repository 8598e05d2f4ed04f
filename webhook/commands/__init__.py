"""The sub-commands of `podseal`: one file each, found by its presence, imported when it is asked for."""
