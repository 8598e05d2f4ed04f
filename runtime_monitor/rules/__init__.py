"""The Falco rule language, pure: values in, values out; no kernel, no file, no socket, no clock."""
