"""Sync: messages leave in the order of their lane, arrive once, and are tried again until they are answered.

docs/sync-protocol.md is the specification; tests/sim runs this code against its promises.
"""
