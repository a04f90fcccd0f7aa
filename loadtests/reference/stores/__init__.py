"""Where the reference service keeps its slots: memory, SQLite, PostgreSQL or Valkey, behind one interface.

Only `memory` runs the ledger itself. The other three know its types and nothing else, and write its rules
down again in their own language, so that the ledger and they can be tested against each other.
"""
