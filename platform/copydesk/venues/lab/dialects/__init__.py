"""Dialects: how the lab speaks as a given exchange. One exchange's modules share its name as prefix.

A dialect may use the lab's engine side and nothing of our own adapters: shared mistakes must not cancel out.
"""
