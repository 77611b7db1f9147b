"""The command line: what an operator does without HTTP, and the programs that serve and work.
Tables: none.
Events: none.
"""
