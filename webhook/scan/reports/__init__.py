"""What `podseal scan` shows: a module for each question, each with a table for people and a value for JSON.

In: results. Out: lines of text, or builtins. Called by `webhook.commands.scan`.
"""
