"""The sub-commands of `podseal-certs`, one file each; `cli` imports the one that is called."""
