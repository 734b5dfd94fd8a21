"""What travels between processes, to whichever scheduler: values, functions, exceptions as bytes.

`pickling` turns values into bytes, `remote` exceptions. Neither needs more of the system than
Python itself does everywhere.
"""
