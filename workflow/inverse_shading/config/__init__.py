"""The configuration: its keys, its check before the first job, and the wording of its mistakes.

Imports names from other rooms. Nothing but the rules and the command imports it.
"""
