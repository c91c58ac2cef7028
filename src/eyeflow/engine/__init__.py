"""Runs deployed tasks durably: admits, claims, drives, recovers, answers."""
