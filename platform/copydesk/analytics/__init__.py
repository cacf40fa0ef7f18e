"""What a strategy is judged by: its record of equity, its closed positions, remarks and the score.

Pure: arrays in, figures out. Knows no database, no clock, and nothing of who asks.
"""
