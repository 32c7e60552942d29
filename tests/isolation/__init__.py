"""Nobody sees or changes another user's rows: the proof, wall by wall."""
