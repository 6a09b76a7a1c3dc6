"""All that can start a run: jobs, the schedule, the reconciler. Nothing of it is on by itself.

What belongs here: when something runs, and what is asked for. What does not: what a run does.
"""
