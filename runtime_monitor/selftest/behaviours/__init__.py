"""What must be seen: related behaviours share a file. Each is a trigger and what the sensor must say of it."""
