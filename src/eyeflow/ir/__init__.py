"""Layer 4: LLM-IR. Text spells a `Task`, bytes spell a `Program`; between them, one checker and one generator."""
