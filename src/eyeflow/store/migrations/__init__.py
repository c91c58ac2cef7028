"""The history of the tables; `versions` has one module a step."""
