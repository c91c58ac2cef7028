"""What outlives a process: records, and the port through which they are written and read."""
