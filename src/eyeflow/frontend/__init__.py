"""Layer 2: an English sentence becomes an `Intent`, and an `Intent` a `Task`."""
