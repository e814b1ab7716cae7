"""What happens around a call: forks, handlers, Ctrl-C, kills, other threads, other processes.

Each case runs in a process of its own and uses what users use. Nothing here is a matter of speed:
where a process has to end, it may take a minute, and one that hangs prints where.
"""
