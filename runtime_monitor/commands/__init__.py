"""The sub-commands of `podseal-monitor`: one file each, found by its presence, imported when it is asked for."""
