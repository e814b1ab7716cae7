"""What users give, taken in or refused: arrays, one setting at a time, limits of size.

`arrays` takes anything that is an array; `settings` one number, flag, name or shape; `limits` says
what is too large; `refusals` keeps the sentences about windows, which the pages' JavaScript says
in the same words.
"""
